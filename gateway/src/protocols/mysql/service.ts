import { generateKeyPair, randomInt } from 'node:crypto';
import { promisify } from 'node:util';
import type { Client } from '../../domain/client.ts';
import type { StreamService } from '../../domain/stream-protocol.ts';
import { keyBits } from './authentication.ts';
import { Guard } from './guard/guard.ts';
import { SecondParser } from './guard/second-parser.ts';
import { OwnConnections } from './own-connections.ts';
import { greet, type Greeted, type TokenKey } from './login.ts';
import { serve, type DoorState } from './serve.ts';

/** The version that clients are told before the gateway has spoken with a target. */
const firstVersion = '8.0.11-countersign';
const connectionsMax = 2 ** 32;

/** Makes the service for one gateway. */
export function createService(): StreamService {
  const greetedClients = new WeakMap<Client, Greeted>();
  let key: Promise<TokenKey> | null = null;
  let guard: Promise<Guard> | null = null;
  // Clients choose by the version what they say. It is told before they name a target, so it is that of the target which was reached last.
  let version = firstVersion;
  const tokenKey = async (): Promise<TokenKey> => {
    key ??= makeKey();
    return key;
  };
  const greeted = (client: Client): Greeted => {
    const known = greetedClients.get(client) ?? { ...greet(client, { version, connection: randomInt(1, connectionsMax) }), tokenKey };
    greetedClients.set(client, known);
    return known;
  };
  const state: DoorState = {
    greeted,
    onGreeting: (greeting) => {
      ({ version } = greeting);
    },
    connections: new OwnConnections(),
    guard: async () => {
      guard ??= SecondParser.load().then((parser) => new Guard(parser));
      return guard;
    },
  };
  return { greet: greeted, serve: async (client, door) => serve(client, door, state) };
}

async function makeKey(): Promise<TokenKey> {
  const { privateKey, publicKey } = await promisify(generateKeyPair)('rsa', { modulusLength: keyBits });
  return { key: privateKey, pem: Buffer.from(publicKey.export({ type: 'spki', format: 'pem' })) };
}
