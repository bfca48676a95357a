import { spawn } from 'node:child_process';
import { chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../cli/src/demo/free-port.ts';
import type { PostgresServer } from '../tests/support/postgres-server.ts';
import { debianProgram, serving, type Peer } from './peer.ts';

/** A user that exists on every Debian, because PgBouncer refuses to run as root. */
const nobody = { uid: 65_534, gid: 65_534 };

/** Debian's PgBouncer in front of the database, with session pooling: the mode in which prepared statements work in every version. */
export async function startPgBouncer(database: PostgresServer): Promise<Peer> {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-pgbouncer-'));
  const users = join(directory, 'users');
  const configuration = join(directory, 'pgbouncer.ini');
  const port = await freePort();
  writeFileSync(users, `"${database.user}" "${database.password}"\n`, { mode: 0o600 });
  writeFileSync(
    configuration,
    `[databases]
postgres = host=127.0.0.1 port=${database.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = plain
auth_file = ${users}
pool_mode = session
default_pool_size = 100
max_client_conn = 200
log_connections = 0
log_disconnections = 0
`,
  );
  const isRoot = process.getuid?.() === 0;
  for (const path of isRoot ? [directory, users, configuration] : []) {
    chownSync(path, nobody.uid, nobody.gid);
  }
  const child = spawn(debianProgram('/usr/sbin/pgbouncer'), ['-q', configuration], { ...(isRoot ? nobody : {}), stdio: 'ignore' });
  return serving(child, port, () => {
    rmSync(directory, { recursive: true, force: true });
  });
}
