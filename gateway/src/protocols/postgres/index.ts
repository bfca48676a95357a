import { randomBytes } from 'node:crypto';
import { GatewayError } from '../../domain/errors.ts';
import type { Client, Door, Protocol, Session } from '../../domain/protocol.ts';
import { runRelay } from '../../wire/relay-loop.ts';
import { action, actions } from './actions.ts';
import { cancelRequestCode, encode, encodeUntyped, int32 } from './codec.ts';
import { errorResponse } from './failures.ts';
import { acceptLogin, type Login } from './login.ts';
import { parseOptions } from './options.ts';
import { PostgresRelay } from './relay.ts';
import { render } from './render.ts';
import { loginUpstream, openUpstream, type UpstreamLogin } from './upstream.ts';

export const postgres: Protocol = {
  id: 'postgres',
  title: 'PostgreSQL',
  defaultPort: 5432,
  schemes: ['postgres', 'postgresql'],
  actions,
  parseOptions,
  connection: ({ host, port, target, token }) => ({
    url: `postgres://agent:${token}@${host}:${port}/${encodeURIComponent(target)}`,
    environment: { PGHOST: host, PGPORT: String(port), PGUSER: 'agent', PGPASSWORD: token, PGDATABASE: target },
    command: `psql "host=${host} port=${port} user=agent dbname=${target}"`,
  }),
  serve,
  render,
};

async function serve(client: Client, door: Door): Promise<void> {
  let session: Session | null = null;
  try {
    const login = await acceptLogin(client, door);
    if (login === null) {
      client.end();
      return;
    }
    session = login.session;
    await converse(client, login);
  } catch (error) {
    await refuse(client, session, error);
  }
}

async function converse(client: Client, { session, startup, packet }: Login): Promise<void> {
  // The connection itself is an act: recorded before the target hears of it.
  const connected = await session.request(
    action('postgres.connect', { 'db.system.name': 'postgresql', 'db.namespace': startup.database || session.target.path, 'db.user': session.target.user }),
    [packet],
  );
  if (connected.grant === null) {
    throw new GatewayError('refused', connected.decision.reason);
  }
  await committed(session);
  const login = await loginUpstream(session, startup);
  const relay = new PostgresRelay({ session: session.id, frameBytesMax: session.limits.frameBytesMax, now: () => performance.now() });
  const welcome = Buffer.concat([
    encode('R', int32(0)),
    ...login.parameters,
    encode('S', 'countersign.session', session.id),
    encode('K', offerCancel(session, login, relay)),
    login.ready,
  ]);
  session.record('response', { request: connected.seq }, [welcome]);
  await committed(session);
  client.write(welcome);
  await runRelay(client, login.upstream, session, relay);
}

/** The client's cancel key is ours, and reaches only the statement that runs in its own session. */
function offerCancel(session: Session, login: UpstreamLogin, relay: PostgresRelay): Buffer {
  const key = randomBytes(8);
  key.writeUInt8(key.readUInt8(0) & 0x7f, 0);
  session.onSignal(key, async () => {
    if (!relay.isBusy) {
      return;
    }
    const request = encodeUntyped(int32(cancelRequestCode), login.cancelKey);
    const outcome = await session.request(action('postgres.cancel'), [request]);
    if (outcome.grant === null) {
      return;
    }
    await committed(session);
    const upstream = await openUpstream(session);
    if (relay.isBusy) {
      upstream.forward(outcome.grant);
    }
    upstream.end();
  });
  return key;
}

function committed(session: Session): Promise<void> {
  return new Promise((resolve, reject) => {
    session.signal.addEventListener('abort', () => {
      reject(session.signal.reason);
    }, { once: true });
    session.whenCommitted(resolve);
  });
}

/** Tells the client why there is no connection. Errors that are not ours to tell are rethrown. */
async function refuse(client: Client, session: Session | null, error: unknown): Promise<void> {
  if (!(error instanceof GatewayError)) {
    client.destroy();
    await session?.close('error');
    throw error;
  }
  const words = errorResponse(error, 'FATAL', session?.id);
  try {
    session?.record('response', { attributes: { 'error.type': error.code } }, [words]);
  } catch {
    // What cannot be recorded is our own sentence; the client is told all the same.
  }
  client.write(words);
  client.end();
  await session?.close(error.code, error);
}
