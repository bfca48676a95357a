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
import { command } from './compose.ts';
import { failure } from './failures.ts';
import { logIn } from './log-in.ts';
import { receive, type Arrival } from './login.ts';
import { redisOptions } from './options.ts';
import { RedisRelay } from './relay.ts';

/** Serves one client from its first byte to its last. */
export async function serve(client: Client, door: Door): Promise<void> {
  let channel: Channel | null = null;
  try {
    const arrival = await arrive(client, door);
    if (arrival === null) {
      client.end();
    } else {
      ({ channel } = arrival);
      await converse(client, arrival);
      return;
    }
  } catch (error) {
    await giveUp(client, channel, error);
  }
  await client.closed;
}

/** Reads the login of a client. What the door refuses is recorded there; everything else is recorded before the client is told. */
async function arrive(client: Client, door: Door): Promise<Arrival | null> {
  try {
    return await receive(client, door);
  } catch (error) {
    if (error instanceof GatewayError && ['malformed', 'limit_exceeded', 'deadline_exceeded', 'unsupported'].includes(error.code)) {
      await door.turnedAway(error);
    }
    throw error;
  }
}

/** Serves an authenticated client until the conversation ends. The connection is itself an action: it is recorded before the target is dialled. */
async function converse(client: Client, { channel, user: given, login, hello, isAnswered }: Arrival): Promise<void> {
  const { target } = channel;
  const database = target.path === '' ? '0' : target.path;
  const action: Action = { name: 'redis.connect', attributes: connectionAttributes(database, wantedUser(target, given)) };
  const change = channel.requestChange(action, [login]);
  if (change !== null && changeText(change.texts, login.toString(), ['=user']) !== login.toString()) {
    const reason = 'policy changes texts of a request, and those of a login cannot be changed';
    channel.record('request', { action: action.name, verdict: 'deny', reason, attributes: action.attributes }, []);
    throw new GatewayError('refused', reason);
  }
  const connect = await channel.request(action, [login], { change });
  if (connect.grant === null) {
    throw refusalOf(connect.decision);
  }
  const user = allowedUser(target, given, parseOptions(redisOptions, target.options).users);
  const startedMs = performance.now();
  await untilCommitted(channel);
  const { upstream, answer } = await logIn(channel, { database, user, hello: hello === null ? null : command(...hello) });
  try {
    const durationMs = Math.round(performance.now() - startedMs);
    const welcome = isAnswered ? [answer] : [];
    channel.record('response', { request: connect.seq, attributes: { [ownAttributes.durationMs]: durationMs } }, welcome);
    await untilCommitted(channel);
    welcome.forEach((bytes) => {
      client.write(bytes);
    });
    const relay = new RedisRelay({
      session: channel.session,
      frameBytesMax: channel.limits.frameBytesMax,
      database,
      name: target.name,
      user,
      version: hello?.[1]?.toString() === '3' && answer[0] !== 0x2d ? 3 : 2,
      nowMs: () => performance.now(),
    });
    await runRelay(client, upstream, channel, relay);
  } catch (error) {
    upstream.destroy();
    throw error;
  }
}

/** Tells the client why there is no connection, and records that if there is a session. An error that is a bug cuts the connection and is thrown. */
async function giveUp(client: Client, channel: Channel | null, error: unknown): Promise<void> {
  if (!(error instanceof GatewayError)) {
    client.destroy();
    await channel?.close('error');
    throw error;
  }
  const words = failure(error, channel?.session ?? null);
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
