import { Socket } from 'node:net';
import pg from 'pg';
import { asking, type Connection, type Access, type ProtocolContract, type Told } from '../../../../../tests/support/contract.ts';
import { startPostgres } from '../../../../../tests/support/postgres-server.ts';
import { makeAnswerShapes } from './answer-shapes.ts';
import { makeEntries } from './entries.ts';

const target = 'orders';

/** @public The tests find it by the protocol's id. */
export const contract: ProtocolContract = {
  transport: 'stream',
  target,
  claims: ['application_name=contract'],
  maskedWords: ['failing secret-abc123', 'noticed secret-abc123', 'notified secret-abc123', 'copied secret-abc123'],
  start: async () => {
    const server = await startPostgres({ settings: { log_connections: 'on' } });
    const operator = new pg.Client({ host: '127.0.0.1', port: server.port, user: server.user, password: server.password, database: 'postgres' });
    await operator.connect();
    return {
      place: `url: "postgres://${server.user}@127.0.0.1:${server.port}/postgres", password: { env: ORDERS_SECRET }`,
      environment: { ORDERS_SECRET: server.password },
      connect,
      shapes: await makeAnswerShapes(target, operator),
      entries: await makeEntries({ target, operator, log: () => server.log() }),
      heard: (words) =>
        server
          .log()
          .split('\n')
          .filter((line) => line.includes('statement: '))
          .flatMap((line) => words.filter((said) => line.includes(`'${said}'`))),
      hasEnded: async (said) => {
        const { rows } = await operator.query("select 1 from pg_stat_activity where state = 'active' and pid <> pg_backend_pid() and query like $1", [
          `%${said}%`,
        ]);
        return rows.length === 0;
      },
      [Symbol.asyncDispose]: async () => {
        await operator.end();
        await server[Symbol.asyncDispose]();
      },
    };
  },
};

/** Statements whose answers contain the words in another place than a row. */
const forms: Readonly<Record<string, (said: string) => string>> = {
  failing: (said) => `select '${said}'::int`,
  noticed: (said) => `do $$ begin raise notice '${said}' using detail = '${said}'; end $$`,
  notified: (said) => `listen told; notify told, '${said}'`,
  copied: (said) => `copy (select '${said}') to stdout`,
};

/** Returns a statement. If its answer does not end, its rows fill the server's buffer, so that the server sends them. */
function statement(said: string): string {
  const endless = said.startsWith('endless') ? ", repeat('x', 10000), pg_sleep(0.02) from generate_series(1, 1000000)" : '';
  const [how = ''] = said.split(' ', 1);
  return forms[how]?.(said) ?? `select '${said}' as said${endless}`;
}

/** Sends one statement after the other. */
function connect({ addresses, token }: Access): Connection {
  const [host = '', port = ''] = (addresses['postgres'] ?? '').split(':');
  const socket = new Socket();
  const client = new pg.Client({
    host,
    port: Number(port),
    user: 'anybody',
    password: token,
    database: target,
    application_name: 'contract',
    stream: () => socket,
  });
  client.on('error', () => undefined);
  let pieces: Buffer[] = [];
  let heard: unknown[] = [];
  client.on('notice', ({ message, detail }) => heard.push(message, detail));
  client.on('notification', ({ payload }) => heard.push(payload));
  const connected = client.connect();
  connected.catch(() => undefined);
  const tell = async (sql: string, onBegun: () => void): Promise<Told> => {
    const sent = queryMessage(sql);
    try {
      await connected;
      pieces = [];
      heard = [];
      socket.on('data', onBegun);
      const { rows } = await client.query(sql);
      const copied = /copied secret-[^ ]*/.exec(Buffer.concat(pieces).toString('latin1')) ?? [];
      return { isAllowed: true, text: JSON.stringify([rows, ...heard, ...copied]), sent, answered: Buffer.concat(pieces) };
    } catch (error) {
      // An error of the server has a code. It must not be one of a connection that was cut.
      const text = error instanceof pg.DatabaseError ? error.message : '';
      return { isAllowed: false, text, sent, answered: Buffer.concat(pieces) };
    }
  };
  socket.on('data', (piece: Buffer) => pieces.push(piece));
  return {
    ask: (said) => asking((onBegun) => tell(statement(said), onBegun)),
    close: async () => client.end(),
    leave: () => {
      socket.destroy();
    },
  };
}

/** Makes a Query message (https://www.postgresql.org/docs/current/protocol-message-formats.html). */
function queryMessage(sql: string): Buffer {
  const head = Buffer.from('Q\0\0\0\0');
  head.writeUInt32BE(4 + sql.length + 1, 1);
  return Buffer.concat([head, Buffer.from(`${sql}\0`)]);
}
