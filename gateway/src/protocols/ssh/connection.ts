import { filesDirectory, type ConnectionDoor, type ConnectionInstructions } from '../../domain/connection-instructions.ts';

/** Names a listener in known_hosts and in the question for a password, whatever its address is. */
const alias = 'countersign-gateway';

/**
 * Says how ssh connects. It reads a configuration with a host for each target, so `ssh -F "$SSH_CONFIG" TARGET` and git need nothing else. The program that ssh asks for the
 * password gives the token to the gateway alone: ssh names whom it asks for, and has compared the key of who has that name before.
 */
export function connection({ host, port, target, key }: ConnectionDoor): ConnectionInstructions {
  const url = `ssh://${encodeURIComponent(target)}@${host.includes(':') ? `[${host}]` : host}:${port}`;
  const command = `ssh -p ${port} ${target}@${host}`;
  if (key === null) {
    return { url, environment: {}, command };
  }
  const config = `${filesDirectory}/ssh_config`;
  return {
    url,
    environment: { SSH_CONFIG: config, GIT_SSH_COMMAND: `ssh -F ${config}`, SSH_ASKPASS: `${filesDirectory}/ssh_askpass`, SSH_ASKPASS_REQUIRE: 'force' },
    command,
    files: {
      ssh_config: `Host ${target}
  HostName ${host}
  Port ${port}
  User ${target}
  HostKeyAlias ${alias}
  UserKnownHostsFile ${filesDirectory}/ssh_known_hosts
  GlobalKnownHostsFile none
  StrictHostKeyChecking yes
  PreferredAuthentications password
  PubkeyAuthentication no
  NumberOfPasswordPrompts 1
`,
      ssh_known_hosts: `${alias} ${key}\n`,
      ssh_askpass: `#!/bin/sh
case "$1" in
  "${target}@${alias}'s password: " | "${target}+"*"@${alias}'s password: ") printf '%s\\n' "$COUNTERSIGN_TOKEN"; exit 0 ;;
esac
`,
    },
  };
}
