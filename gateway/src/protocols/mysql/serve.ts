import type { Action } from '../../domain/action.ts';
import type { Channel } from '../../domain/channel.ts';
import type { Client } from '../../domain/client.ts';
import { refusalOf } from '../../domain/decision.ts';
import type { Door } from '../../domain/door.ts';
import { GatewayError } from '../../domain/errors.ts';
import { parseOptions } from '../../domain/options.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import { changeText } from '../../domain/text-change.ts';
import { runRelay } from '../../wire/relay-loop.ts';
import { allowedUser, wantedUser } from '../../wire/remote-user.ts';
import { untilCommitted } from '../../wire/until-committed.ts';
import { connectionAttributes } from './actions.ts';
import { composeOk } from './answer.ts';
import { capabilities } from './capabilities.ts';
import { commands } from './commands.ts';
import { failure } from './failures.ts';
import type { Guard } from './guard/guard.ts';
import type { Greeting, LoginPacket } from './handshake.ts';
import { logIn } from './log-in.ts';
import { receive, recordedLogin, type Arrival, type Greeted } from './login.ts';
import { mysqlOptions } from './options.ts';
import type { OwnConnections } from './own-connections.ts';
import { packetsOf } from './packets.ts';
import { MysqlRelay } from './relay.ts';

/** The parts that clients share. */
export interface DoorState {
  /** Greets a client, if that was not done. */
  readonly greeted: (client: Client) => Greeted;
  /** Called with the greeting of a target. */
  readonly onGreeting: (greeting: Greeting) => void;
  readonly connections: OwnConnections;
  /** Loads what reads statements. */
  readonly guard: () => Promise<Guard>;
}

/** Serves one client from its first byte to its last. */
export async function serve(client: Client, door: Door, state: DoorState): Promise<void> {
  const greeted = state.greeted(client);
  let channel: Channel | null = null;
  try {
    const arrival = await arrive(client, door, greeted);
    if (arrival !== null) {
      channel = await door.authenticate(arrival.credential);
      await converse(client, channel, { arrival, state, number: greeted.number });
      return;
    }
    client.end();
  } catch (error) {
    await giveUp(client, channel, { error, number: greeted.stream.number });
  }
  await client.closed;
}

/** Reads the login of a client. If the client is refused, that is recorded before it is told. */
async function arrive(client: Client, door: Door, greeted: Greeted): Promise<Arrival | null> {
  try {
    return await receive(client, door, greeted);
  } catch (error) {
    if (error instanceof GatewayError) {
      await door.turnedAway(error);
    }
    throw error;
  }
}

/** Serves an authenticated client until the conversation ends. The connection is itself an action: it is recorded before the target is dialled. */
async function converse(
  client: Client,
  channel: Channel,
  { arrival, state, number }: { readonly arrival: Arrival; readonly state: DoorState; readonly number: number },
): Promise<void> {
  const { stream } = arrival;
  const login = withDatabase(arrival.login, channel.target.path);
  const action: Action = { name: 'mysql.connect', attributes: connectionAttributes(wantedUser(channel.target, login.user), login.database) };
  const bytes = packetsOf(recordedLogin(login), 1);
  const change = channel.requestChange(action, [bytes]);
  const texts = [['user', login.user], ['database', login.database], ...login.attributes] as const;
  if (change !== null && texts.some(([name, text]) => changeText(change.texts, text, [`=${name}`]) !== text)) {
    const reason = 'policy changes texts of a request, and those of a login cannot be changed';
    channel.record('request', { action: action.name, verdict: 'deny', reason, attributes: action.attributes }, []);
    throw new GatewayError('refused', reason);
  }
  const connect = await channel.request(action, [bytes], { change });
  if (connect.grant === null) {
    throw refusalOf(connect.decision);
  }
  const user = allowedUser(channel.target, login.user, parseOptions(mysqlOptions, channel.target.options).users);
  const own = { ...login, user };
  const startedMs = performance.now();
  await untilCommitted(channel);
  const { upstream, greeting } = await logIn(channel, own);
  try {
    if (greeting !== null) {
      state.onGreeting(greeting);
    }
    const guard = await state.guard();
    const relay = new MysqlRelay({
      session: channel.session,
      frameBytesMax: channel.limits.frameBytesMax,
      capabilities: login.capabilities,
      user,
      database: login.database,
      guard,
      findOwn: (wanted) => state.connections.find(wanted, { principal: channel.principal, target: channel.target.name }),
      nowMs: () => performance.now(),
    });
    if (greeting !== null) {
      state.connections.add(number, { principal: channel.principal, target: channel.target.name, thread: greeting.connection });
      channel.onEnding(async (limit) => stopRest(channel, { login: own, greeting, relay }, limit));
    }
    const welcome = packetsOf(composeOk(), stream.number);
    const durationMs = Math.round(performance.now() - startedMs);
    channel.record('response', { request: connect.seq, attributes: { [ownAttributes.durationMs]: durationMs } }, [welcome]);
    await untilCommitted(channel);
    stream.release();
    client.write(welcome);
    await runRelay(client, upstream, channel, relay);
  } catch (error) {
    upstream.destroy();
    throw error;
  } finally {
    state.connections.remove(number);
  }
}

/** A client that names no database gets that of the target. */
function withDatabase(login: LoginPacket, database: string): LoginPacket {
  const named = login.database === '' ? database : login.database;
  const { connectWithDatabase } = capabilities;
  const flags = named === '' ? login.capabilities & ~connectWithDatabase : login.capabilities | connectWithDatabase;
  return { ...login, database: named, capabilities: flags >>> 0 };
}

/** Has the target stop what an ended session has left running, over a connection of its own: a server notices too late that a client has gone. */
async function stopRest(
  channel: Channel,
  { login, greeting, relay }: { readonly login: LoginPacket; readonly greeting: Greeting; readonly relay: MysqlRelay },
  limit: AbortSignal,
): Promise<void> {
  const { outstanding } = relay;
  if (outstanding === null) {
    return;
  }
  const kill = packetsOf(Buffer.concat([Buffer.of(commands.query), Buffer.from(`KILL CONNECTION ${greeting.connection}`)]), 0);
  try {
    const action: Action = { name: 'mysql.cancel', attributes: { 'db.system.name': 'mysql', [ownAttributes.request]: outstanding } };
    const { grant } = await channel.request(action, [kill], { byGateway: true });
    await untilCommitted(channel, limit);
    const { upstream } = await logIn(channel, withDatabase({ ...login, database: '' }, ''), limit);
    if (grant !== null) {
      upstream.forward(grant);
      await upstream.read(channel.limits.dialMs);
    }
    upstream.end();
  } catch (error) {
    // It could not be recorded or sent, or the target does not answer. The connection to it is closed in any case.
    if (!(error instanceof GatewayError)) {
      throw error;
    }
  }
}

/** Tells the client why there is no connection, and records that if there is a session. An error that is a bug cuts the connection and is thrown. */
async function giveUp(client: Client, channel: Channel | null, { error, number }: { readonly error: unknown; readonly number: number }): Promise<void> {
  if (!(error instanceof GatewayError)) {
    client.destroy();
    await channel?.close('error');
    throw error;
  }
  const words = packetsOf(failure(error, channel?.session ?? null), number);
  if (channel !== null) {
    try {
      channel.record('response', { attributes: { 'error.type': error.code } }, [words]);
      await untilCommitted(channel);
    } catch (unrecorded) {
      // The client is told in any case, because the sentence is the gateway's own.
      if (!(unrecorded instanceof GatewayError)) {
        throw unrecorded;
      }
    }
    await channel.close('error', error);
  }
  client.write(words);
  client.end();
}
