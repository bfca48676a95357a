import { filesDirectory, type ConnectionDoor, type ConnectionInstructions } from '../../domain/connection-instructions.ts';

/**
 * Says how to connect. `mariadb` and `mysql` read host, port and user from the file in the directory that MYSQL_HOME names, in the group with the suffix of
 * MYSQL_GROUP_SUFFIX, and the token from MYSQL_PWD.
 */
export function connection({ host, port, target, token, tls }: ConnectionDoor): ConnectionInstructions {
  const shownHost = host.includes(':') ? `[${host}]` : host;
  return {
    url: `mysql://${encodeURIComponent(target)}:${encodeURIComponent(token)}@${shownHost}:${port}/`,
    environment: { MYSQL_PWD: token, MYSQL_HOME: filesDirectory, MYSQL_GROUP_SUFFIX: `_${target}` },
    command: `mariadb -h ${host} -P ${port} -u ${target} -p${tls ? ' --ssl' : ''}`,
    files: { 'my.cnf': `[client_${target}]\nprotocol=tcp\nhost=${host}\nport=${port}\nuser=${target}\n${tls ? 'ssl\n' : ''}` },
  };
}
