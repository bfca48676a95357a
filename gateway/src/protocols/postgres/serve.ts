import { randomBytes } from 'node:crypto';
import type { Action, Attributes } from '../../domain/action.ts';
import { refusalOf, type Decision } from '../../domain/decision.ts';
import { GatewayError } from '../../domain/errors.ts';
import { recordObligations } from '../../domain/facts-only.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import type { Channel, RequestOutcome } from '../../domain/channel.ts';
import type { Client } from '../../domain/client.ts';
import type { Door } from '../../domain/door.ts';
import { changeText } from '../../domain/text-change.ts';
import { runRelay } from '../../wire/relay-loop.ts';
import { connectionAttributes, statementAttributes } from './actions.ts';
import { cancel, cancelRest, makeCancelKey } from './cancel.ts';
import { authenticationOk, backendKeyData, parameterStatus, readyForQuery, simpleQuery } from './compose.ts';
import { frameHeaderBytes } from './codec.ts';
import { fatal, sqlState, Unanswered } from './failures.ts';
import type { SessionState } from './guard/session-state.ts';
import { claimedName, receive, type Arrival, type LoginArrival } from './login.ts';
import { encodingIn } from './text-encoding.ts';
import { parseStartupPacket } from './startup.ts';
import type { StatementGuards } from './statement-guards.ts';
import { settingStatements } from './startup-parameters.ts';
import { PostgresRelay } from './relay.ts';
import { logIn } from './upstream.ts';
import { untilCommitted } from '../../wire/until-committed.ts';

/** Serves one client from its first byte to its last. */
export async function serve(client: Client, door: Door, guards: StatementGuards): Promise<void> {
  let channel: Channel | null = null;
  try {
    const arrival = await arrive(client, door);
    if (arrival.kind === 'login') {
      channel = await door.authenticate(arrival.credential);
      await converse(client, channel, { arrival, guards });
      return;
    }
    if (arrival.kind === 'cancel') {
      // The client must not learn whether the key belongs to anybody.
      await door.signal(arrival.key);
    }
    client.end();
  } catch (error) {
    await giveUp(client, channel, error);
  }
  await client.closed;
}

/** Reads the first request of a client. If the client is refused, that is recorded before it is told. */
async function arrive(client: Client, door: Door): Promise<Arrival> {
  try {
    return await receive(client, door);
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
  { arrival, guards }: { readonly arrival: LoginArrival; readonly guards: StatementGuards },
): Promise<void> {
  const { settings, hold } = arrival;
  const database = arrival.database === '' ? channel.target.path : arrival.database;
  const attributes = connectionAttributes(database);
  const guard = await guards.open(channel, { database, settings });
  await decideSettings(channel, arrival, { attributes, session: guard.session });
  const connect = await requestOfLogin(channel, { name: 'postgres.connect', attributes }, { bytes: arrival.packet, texts: textsOfLogin(arrival) });
  if (connect.grant === null) {
    throw refusalOf(connect.decision);
  }
  const startedMs = performance.now();
  await untilCommitted(channel);
  const { upstream, greeting, key, status } = await logIn(channel, { database, settings });
  try {
    guard.begin(greeting);
    const relay = new PostgresRelay({
      session: channel.session,
      frameBytesMax: channel.limits.frameBytesMax,
      status,
      attributes,
      hold,
      encoding: encodingOf(greeting),
      onApplicationName: (name) => {
        channel.claim(claimedName(name));
      },
      facts: guard.facts,
      estimate: guard.estimate,
      nowMs: () => performance.now(),
    });
    const cancelKey = key === null ? null : makeCancelKey(key, arrival.minor, randomBytes);
    if (cancelKey !== null) {
      channel.onSignal(cancelKey, () => cancel(channel, key, relay));
    }
    channel.onEnding((limit) => cancelRest(channel, key, { relay, upstream }, limit));
    const welcome = [
      authenticationOk,
      ...greeting,
      parameterStatus('countersign.session', channel.session),
      // A target without a key has nothing that can be cancelled, and no process id.
      ...(cancelKey === null ? [] : [backendKeyData(cancelKey)]),
      readyForQuery(status),
    ];
    const durationMs = Math.round(performance.now() - startedMs);
    channel.record('response', { request: connect.seq, attributes: { [ownAttributes.durationMs]: durationMs } }, welcome);
    await untilCommitted(channel);
    client.write(Buffer.concat(welcome));
    await runRelay(client, upstream, channel, relay);
  } catch (error) {
    upstream.destroy();
    throw error;
  } finally {
    guard.end();
  }
}

/** The encoding that the target reported at the login. */
function encodingOf(greeting: readonly Buffer[]): string {
  return greeting.map((message) => encodingIn(message.subarray(frameHeaderBytes))).findLast((encoding) => encoding !== null) ?? 'UTF8';
}

/**
 * Decides on all settings of the startup packet as if they were SET statements, and records that. Settings of presentation are sent by every driver and are in
 * the record of the connection, so they have a record of their own only if they are not simply allowed. The target gets all settings in its startup packet, so
 * that RESET and DISCARD restore them.
 */
async function decideSettings(
  channel: Channel,
  { settings }: LoginArrival,
  { attributes, session }: { readonly attributes: Attributes; readonly session: SessionState },
): Promise<void> {
  const setting = (statements: string): Action => ({
    name: 'postgres.query',
    attributes: { ...attributes, ...statementAttributes(session.facts(statements)) },
    text: () => ({ pieces: [{ role: 'client', text: statements }], isWhole: true }),
  });
  const { presentation, others } = settingStatements(settings);
  const isRecorded = presentation !== null && !isSimplyAllowed(await channel.decide(setting(presentation), [simpleQuery(presentation)]));
  for (const statements of [isRecorded ? presentation : null, others]) {
    const outcome = statements === null ? null : await requestOfLogin(channel, setting(statements), { bytes: simpleQuery(statements), texts: settings });
    if (outcome?.grant === null) {
      throw refusalOf(outcome.decision);
    }
  }
  for (const statements of [presentation, others]) {
    if (statements !== null) {
      session.sent(statements);
    }
  }
}

/**
 * Asks about an act of a login. Its texts are not changed, because they say who connects where and how: the login is refused if policy changes one of them. The
 * record of that has none of them.
 */
async function requestOfLogin(
  channel: Channel,
  action: Action,
  { bytes, texts }: { readonly bytes: Buffer; readonly texts: ReadonlyMap<string, string> },
): Promise<RequestOutcome> {
  const change = channel.requestChange(action, [bytes]);
  if (change !== null && [...texts].some(([name, text]) => changeText(change.texts, text, [`=${name}`]) !== text)) {
    const reason = 'policy changes texts of a request, and those of a login cannot be changed';
    channel.record('request', { action: action.name, verdict: 'deny', reason, attributes: action.attributes }, []);
    throw new GatewayError('refused', reason);
  }
  return channel.request(action, [bytes], { change });
}

/** Returns the user, the database and the settings as the client gave them, by their names. */
function textsOfLogin({ packet }: LoginArrival): ReadonlyMap<string, string> {
  const startup = parseStartupPacket(packet);
  return startup.kind === 'startup' ? startup.parameters : new Map();
}

function isSimplyAllowed({ verdict, obligations }: Decision): boolean {
  return verdict === 'allow' && recordObligations(obligations).length === obligations.length;
}

/** Tells the client why there is no connection, and records that if there is a session. An error that is a bug cuts the connection and is thrown. */
async function giveUp(client: Client, channel: Channel | null, error: unknown): Promise<void> {
  if (!(error instanceof GatewayError)) {
    client.destroy();
    await channel?.close('error');
    throw error;
  }
  if (error instanceof Unanswered) {
    client.end();
    return;
  }
  const words = fatal(error, channel?.session ?? null);
  if (channel !== null) {
    await recordLastWords(channel, error, words);
  }
  client.write(words);
  client.end();
}

async function recordLastWords(channel: Channel, error: GatewayError, words: Buffer): Promise<void> {
  try {
    channel.record('response', { attributes: { 'db.response.status_code': sqlState(error), 'error.type': error.code } }, [words]);
    await untilCommitted(channel);
  } catch (unrecorded) {
    // The client is told in any case, because the sentence is the gateway's own.
    if (!(unrecorded instanceof GatewayError)) {
      throw unrecorded;
    }
  }
  await channel.close('error', error);
}
