import { hash } from 'node:crypto';
import type { Socket } from 'node:net';
import ssh2, { type AuthContext, type AuthenticationType, type Connection, type PublicKeyAuthContext } from 'ssh2';
import type { Action } from '../../domain/action.ts';
import type { Channel } from '../../domain/channel.ts';
import type { Client } from '../../domain/client.ts';
import { refusalOf } from '../../domain/decision.ts';
import type { Door } from '../../domain/door.ts';
import type { ShownCertificate } from '../../domain/shown-certificate.ts';
import { GatewayError } from '../../domain/errors.ts';
import type { Grant } from '../../domain/grant.ts';
import { parseOptions } from '../../domain/options.ts';
import { changeText } from '../../domain/text-change.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import { runRelay, type RelayedTarget } from '../../wire/relay-loop.ts';
import { allowedUser, targetIn, wantedUser } from '../../wire/remote-user.ts';
import { untilCommitted } from '../../wire/until-committed.ts';
import { algorithms } from './algorithms.ts';
import { sendBanner } from './banner.ts';
import { ClientSide } from './client-side.ts';
import { login } from './compose.ts';
import { ConnectionDuplex } from './duplex.ts';
import { sentence } from './failures.ts';
import { hostKeyOf } from './host-key.ts';
import { logIn } from './log-in.ts';
import { sshOptions } from './options.ts';
import { SshRelay } from './relay.ts';
import { isSignedBy } from './signatures.ts';
import { readUserCertificate } from './user-certificate.ts';

/** Most tokens that a client may try in one connection. */
const attemptsMax = 3;
const userCharactersMax = 256;
const methods: AuthenticationType[] = ['publickey', 'password'];

/** Serves one client from its first byte to its last. `seed` makes the key by which it knows the gateway. */
export async function serve(client: Client, door: Door, seed: Uint8Array): Promise<void> {
  const accepted = Promise.withResolvers<Arrival | null>();
  const socket = new ConnectionDuplex(client, (bytes) => {
    client.write(bytes);
  });
  const server = new ssh2.Server(
    { hostKeys: [hostKeyOf(seed).secret], ident: 'countersign', algorithms: { ...algorithms, serverHostKey: ['ssh-ed25519'] } },
    (connection, { header }) => {
      connection.on('error', () => {
        // Whatever is wrong with the connection, it ends: `closed` tells.
        client.end();
      });
      authenticate(connection, { client, socket, door, software: header.versions.software }, accepted);
    },
  );
  void client.closed.finally(() => {
    accepted.resolve(null);
  });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- ssh2 uses nothing of a socket that a duplex does not have
  server.injectSocket(socket as unknown as Socket);
  const arrival = await accepted.promise;
  if (arrival !== null) {
    await converse(client, arrival);
  }
  await client.closed;
}

/** A client that has logged in. */
interface Arrival {
  readonly channel: Channel;
  readonly side: ClientSide;
  /** The user name that the client gave. */
  readonly user: string;
}

interface Arriving {
  readonly client: Client;
  readonly socket: ConnectionDuplex;
  readonly door: Door;
  readonly software: string;
}

/** Takes a token as the password of a user whose name says the target; a tunnel of `connect` has both. What the door refuses is recorded there. */
function authenticate(connection: Connection, { client, socket, door, software }: Arriving, accepted: PromiseWithResolvers<Arrival | null>): void {
  let attempts = 0;
  let hasLeft = false;
  void client.closed.finally(() => {
    hasLeft = true;
  });
  const side = new ClientSide(client, connection, socket);
  const attempt = async (context: AuthContext): Promise<void> => {
    const tunnel = context.method === 'none' ? client.tunnel : null;
    const signer = context.method === 'publickey' ? signerOf(context, client.address) : null;
    const key = signer?.shown ?? null;
    // Who proves that a certificate is theirs is told what is wrong with it.
    if (context.method === 'publickey' && key !== null && context.signature === undefined && door.knows({ ...key, fault: null })) {
      // The client only asks whether this key would count. It has proved nothing, so nobody is admitted.
      context.accept();
      return;
    }
    // ssh2 gives no text for a password that is to be changed, whatever its types say; such a one is no token.
    const password = context.method !== 'password' ? null : typeof context.password === 'string' ? context.password : '';
    if (password === null && tunnel === null && !(context.method === 'publickey' && signer !== null && isProven(context, signer))) {
      context.reject(methods);
      return;
    }
    attempts += 1;
    try {
      const channel = await door.authenticate({
        token: password ?? tunnel?.token ?? '',
        certificate: key,
        target: tunnel?.target ?? targetIn(context.username),
        user: context.username.slice(0, userCharactersMax),
        clientAddress: client.address,
        claims: [['software', software]],
      });
      if (hasLeft) {
        // Nobody waits for what was opened.
        await channel.close('client');
        return;
      }
      accepted.resolve({ channel, side, user: context.username });
      context.accept();
    } catch (error) {
      if (!(error instanceof GatewayError)) {
        client.destroy();
        accepted.reject(error);
      } else {
        sendBanner(connection, sentence(error, null));
        context.reject(methods);
        if (error.code !== 'unauthenticated' || attempts >= attemptsMax) {
          connection.end();
        }
      }
    }
  };
  connection.on('authentication', (context) => {
    void attempt(context);
  });
}

/** A certificate or a key that a client shows in place of a token, and the public key by which the login must be signed. */
interface Signer {
  readonly shown: ShownCertificate;
  readonly publicKey: Buffer;
  readonly isCertificate: boolean;
}

/** Describes a certificate or a key that a client shows. The name of a key is all of the key, so no other key has it. */
function signerOf({ key }: PublicKeyAuthContext, address: string): Signer {
  const certificate = readUserCertificate(key.data, { address, nowMs: Date.now() });
  if (certificate !== null) {
    return { ...certificate, isCertificate: true };
  }
  const shown = { isKey: true, names: [`key:${key.data.toString('base64')}`], sha256: hash('sha256', key.data), expiresMs: Infinity, fault: null } as const;
  return { shown, publicKey: key.data, isCertificate: false };
}

/** True if the client has signed this login with the private key, and not with SHA-1: the signature is over the session of the transport, so nobody else can use it. */
function isProven({ blob, signature, hashAlgo }: PublicKeyAuthContext, { publicKey, isCertificate }: Signer): boolean {
  if (blob === undefined || signature === undefined) {
    return false;
  }
  if (isCertificate) {
    return isSignedBy(publicKey, blob, signature);
  }
  const parsed = ssh2.utils.parseKey(publicKey);
  // The key says of which type it is, whatever the client says.
  if (parsed instanceof Error || (parsed.type === 'ssh-rsa' && hashAlgo === undefined)) {
    return false;
  }
  // oxlint-disable-next-line typescript/no-unnecessary-boolean-literal-compare -- it returns an error in place of a boolean, whatever its types say
  return parsed.verify(blob, signature, hashAlgo) === true;
}

/** Serves an authenticated client until the connection is over. The connection is itself an action: it is recorded before the target is dialled. */
async function converse(client: Client, { channel, side, user }: Arrival): Promise<void> {
  const reached = await reach(channel, user).catch(async (error: unknown) => {
    if (!(error instanceof GatewayError)) {
      client.destroy();
      await channel.close('error');
      throw error;
    }
    return error;
  });
  const unreached = reached instanceof GatewayError ? reached : null;
  const relay = new SshRelay({
    session: channel.session,
    user: wantedUser(channel.target, user),
    unreached,
    forwards: parseOptions(sshOptions, channel.target.options).forwards,
    nowMs: () => performance.now(),
  });
  await runRelay(side, reached instanceof GatewayError ? nowhere : reached, channel, relay);
}

/** Asks whether the client may connect, and logs in at the target. Rejects with the GatewayError that says why the target is not reached. */
async function reach(channel: Channel, user: string): Promise<RelayedTarget> {
  const action: Action = { name: 'ssh.connect', attributes: { [ownAttributes.targetUser]: wantedUser(channel.target, user) } };
  const change = channel.requestChange(action, [login(user)]);
  if (change !== null && changeText(change.texts, user, ['=user']) !== user) {
    const reason = 'policy changes texts of a request, and those of a login cannot be changed';
    channel.record('request', { action: action.name, verdict: 'deny', reason, attributes: action.attributes }, []);
    throw new GatewayError('refused', reason);
  }
  const connect = await channel.request(action, [login(user)], { change });
  if (connect.grant === null) {
    throw refusalOf(connect.decision);
  }
  const startedMs = performance.now();
  await untilCommitted(channel);
  const target = await logIn(channel, allowedUser(channel.target, user, parseOptions(sshOptions, channel.target.options).users));
  channel.record('response', { request: connect.seq, attributes: { [ownAttributes.durationMs]: Math.round(performance.now() - startedMs) } }, []);
  return target;
}

/** Takes the place of a target that is not reached. Nothing is forwarded there. */
const nowhere: RelayedTarget = {
  flow: () => undefined,
  pause: () => undefined,
  resume: () => undefined,
  queuedBytes: 0,
  cork: () => undefined,
  uncork: () => undefined,
  forward: (_grant: Grant) => {
    throw new Error('nothing is forwarded to a target that was not reached');
  },
  end: () => undefined,
  destroy: () => undefined,
};
