import type { Channel } from '../../domain/channel.ts';
import type { Client } from '../../domain/client.ts';
import type { Door } from '../../domain/door.ts';
import { GatewayError } from '../../domain/errors.ts';
import { targetIn } from '../../wire/remote-user.ts';
import { word } from './command-facts.ts';
import { CommandReader, type Command } from './command-reader.ts';
import { command, line } from './compose.ts';
import { failure } from './failures.ts';

/** Most bytes of a command before the login. An identity token of an organisation's issuer may be that long. */
const commandBytesMax = 32 * 1024;
/** Most commands before the login, and most tokens that a client may try in one connection. */
const commandsMax = 20;
const attemptsMax = 3;
const userCharactersMax = 256;
const tlsHandshakeByte = 0x16;

/** A client that has logged in. */
export interface Arrival {
  readonly channel: Channel;
  /** The user name that the client gave: `TARGET` or `TARGET+REMOTEUSER`. */
  readonly user: string;
  /** The login without its token, for the record. */
  readonly login: Buffer;
  /** The HELLO of the login without its AUTH. Null: it was an AUTH. */
  readonly hello: Command | null;
  /** False: the client comes through a tunnel and has said nothing yet, so nothing is answered. */
  readonly isAnswered: boolean;
}

interface Shown {
  readonly user: string;
  readonly token: string;
  readonly hello: Command | null;
}

/** Serves the client up to its login. Null: it left before. Rejects with GatewayError `malformed`, `limit_exceeded`, `deadline_exceeded`, or that of the door. */
export async function receive(client: Client, door: Door): Promise<Arrival | null> {
  const deadlineMs = performance.now() + door.limits.loginMs;
  const read = async (): Promise<Buffer | null> => client.read(Math.max(1, deadlineMs - performance.now()));
  const { tunnel, certificate } = client;
  if (tunnel !== null) {
    const channel = await door.authenticate({ token: tunnel.token, target: tunnel.target, user: '', clientAddress: client.address, claims: [], certificate });
    return { channel, user: tunnel.target, login: Buffer.alloc(0), hello: null, isAnswered: false };
  }
  const reader = new CommandReader(commandBytesMax);
  let bytes = await read();
  if (bytes?.[0] === tlsHandshakeByte) {
    if (!client.canStartTls) {
      throw new GatewayError('unsupported', 'TLS is not set up on this listener.');
    }
    client.unread(bytes);
    await client.startTls({ direct: true });
    bytes = await read();
  }
  let attempts = 0;
  for (let commands = 0; bytes !== null;) {
    reader.push(bytes);
    for (let next = reader.next(); next !== null; next = reader.next()) {
      commands += 1;
      if (commands > commandsMax) {
        throw new GatewayError('limit_exceeded', `More than ${commandsMax} commands came before a login.`);
      }
      refuseHttp(next);
      if (word(next[0]) === 'quit') {
        client.write(line('+', 'OK'));
        return null;
      }
      try {
        const shown = shownIn(next);
        assertSafe(client);
        attempts += 1;
        const channel = await door.authenticate({
          token: shown.token,
          certificate,
          target: targetIn(shown.user),
          user: shown.user.slice(0, userCharactersMax),
          clientAddress: client.address,
          claims: [],
        });
        client.unread(reader.rest());
        return { channel, user: shown.user, login: withoutToken(shown), hello: shown.hello, isAnswered: true };
      } catch (error) {
        const isFinal = !(error instanceof GatewayError) || attempts >= attemptsMax || (attempts > 0 && error.code !== 'unauthenticated');
        if (isFinal) {
          throw error;
        }
        client.write(error instanceof NotYet ? error.words : failure(error, null));
      }
    }
    bytes = await read();
  }
  return null;
}

/** A command before the login that is no login. */
class NotYet extends GatewayError {
  readonly words = line('-', 'NOAUTH Authentication required. countersign: log in with AUTH TARGET TOKEN');
}

/** Returns what a client shows to log in. Throws GatewayError `unauthenticated` for any other command. */
function shownIn(args: Command): Shown {
  const [, ...rest] = args;
  if (word(args[0]) === 'auth') {
    const [user, token] = rest;
    if (user === undefined || token === undefined || rest.length > 2) {
      throw new GatewayError('unauthenticated', 'A token alone does not say which target is meant. Log in with AUTH TARGET TOKEN: redis-cli --user TARGET.');
    }
    return { user: user.toString(), token: token.toString(), hello: null };
  }
  const at = word(args[0]) === 'hello' ? args.findIndex((each, i) => i > 1 && word(each) === 'auth') : -1;
  const [user, token] = at < 0 ? [] : args.slice(at + 1, at + 3);
  if (user === undefined || token === undefined) {
    throw new NotYet('unauthenticated', 'The client has not logged in.');
  }
  const [name, ...others] = args.filter((_, i) => i < at || i > at + 2);
  return { user: user.toString(), token: token.toString(), hello: [name ?? args[0], ...others] };
}

/** Returns the login as it is recorded. */
function withoutToken({ user, hello }: Shown): Buffer {
  return hello === null ? command('AUTH', user, '***') : command(...hello, 'AUTH', user, '***');
}

function assertSafe(client: Client): void {
  if (!client.isEncrypted && !client.isLoopback) {
    throw new GatewayError(
      'unauthenticated',
      'A token is not taken over a connection in the clear: connect with TLS (redis-cli --tls, rediss://), or through countersign connect.',
    );
  }
}

/** Ends a connection on which a browser, or another client of HTTP, was led to this port, as Redis does. Throws GatewayError `malformed`. */
export function refuseHttp(args: Command): void {
  const name = word(args[0]);
  if (name === 'post' || name === 'host:') {
    throw new GatewayError('malformed', 'This is a request of HTTP, and the port speaks Redis.');
  }
}
