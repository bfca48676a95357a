import { hash, randomBytes } from 'node:crypto';
import type { AuthenticationResponseJSON, RegistrationResponseJSON, WebAuthnCredential } from '@simplewebauthn/server';
import { GatewayError } from '../domain/errors.ts';
import { localId } from '../domain/local-administrator.ts';
import type { StoredPasskey } from '../store/passkeys.ts';

/** Where pages of the gateway are: passkeys are made for this place, and browsers show them at no other. */
export interface PasskeySite {
  /** `https://gateway.corp.example` */
  readonly origin: string;
  /** The name of the host. */
  readonly rpId: string;
}

const gatewayName = 'Countersign';
/** ES256, EdDSA and RS256: what authenticators have. */
const algorithms = [-7, -8, -257];

/** Returns a random challenge. */
export function newChallenge(): string {
  return randomBytes(32).toString('base64url');
}

/**
 * Returns what a browser needs to make a passkey (`PublicKeyCredentialCreationOptionsJSON`). The authenticator keeps the name with it, so nobody types one when
 * they sign in, and verifies its user by a PIN or a fingerprint. Authenticators that have a passkey of `known` make no other one.
 */
export async function creationOptions({ rpId }: PasskeySite, name: string, challenge: string, known: readonly StoredPasskey[]): Promise<object> {
  const { generateRegistrationOptions } = await library();
  return generateRegistrationOptions({
    rpName: gatewayName,
    rpID: rpId,
    userName: localId(name),
    userID: userIdOf(name),
    challenge: bytesOf(challenge),
    attestationType: 'none',
    authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
    supportedAlgorithmIDs: algorithms,
    excludeCredentials: known.map(({ id, transports }) => ({ id, transports: [...transports] })),
  });
}

/** Returns what a browser needs to ask for a passkey (`PublicKeyCredentialRequestOptionsJSON`). It names nobody, and needs no library: everybody may ask for it. */
export function requestOptions({ rpId }: PasskeySite, challenge: string): object {
  return { challenge, rpId, userVerification: 'required' };
}

/** Verifies a new passkey. Rejects with GatewayError `unauthenticated`. */
export async function verifyNewPasskey(
  { origin, rpId }: PasskeySite,
  challenge: string,
  response: RegistrationResponseJSON,
): Promise<Pick<StoredPasskey, 'id' | 'publicKey' | 'counter' | 'transports'>> {
  const { verifyRegistrationResponse } = await library();
  return verifying(async () => {
    const { registrationInfo } = await verifyRegistrationResponse({
      response,
      expectedChallenge: challenge,
      expectedOrigin: origin,
      expectedRPID: rpId,
      requireUserVerification: true,
      supportedAlgorithmIDs: algorithms,
    });
    const { id, publicKey, counter } = registrationInfo?.credential ?? refuse();
    return { id, publicKey, counter, transports: response.response.transports ?? [] };
  });
}

/** Verifies that a passkey was used for a challenge. Returns its counter. Rejects with GatewayError `unauthenticated`. */
export async function verifyPasskey(
  { origin, rpId }: PasskeySite,
  challenge: string,
  response: AuthenticationResponseJSON,
  { id, name, publicKey, counter }: StoredPasskey,
): Promise<number> {
  const { verifyAuthenticationResponse } = await library();
  return verifying(async () => {
    const credential: WebAuthnCredential = { id, publicKey: new Uint8Array(publicKey), counter };
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response,
      expectedChallenge: challenge,
      expectedOrigin: origin,
      expectedRPID: rpId,
      requireUserVerification: true,
      credential,
    });
    const isOwn = response.response.userHandle === Buffer.from(userIdOf(name)).toString('base64url');
    return verified && isOwn ? authenticationInfo.newCounter : refuse();
  });
}

/** The one answer to all passkeys that do not count, so that it says nothing of those that are registered. */
export function refuse(): never {
  throw new GatewayError(
    'unauthenticated',
    'This passkey is not accepted: sign in with one that was registered here and not removed. countersign passkey invite makes a link for a new one.',
  );
}

/** Runs a verification by the library, which throws an Error of its own for everything that is not as it must be. */
async function verifying<Result>(verify: () => Promise<Result>): Promise<Result> {
  try {
    return await verify();
  } catch {
    return refuse();
  }
}

/** An authenticator that makes another passkey for the same user replaces the one before. */
function userIdOf(name: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(hash('sha256', localId(name), 'buffer'));
}

function bytesOf(challenge: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(challenge, 'base64url'));
}

/** Loaded here, because it loads much and most gateways have no passkeys. Only who was invited or has a passkey causes it. */
async function library(): Promise<typeof import('@simplewebauthn/server')> {
  return import('@simplewebauthn/server');
}
