import { hash, randomBytes } from 'node:crypto';
import type { AuthenticationResponseJSON, RegistrationResponseJSON } from '@simplewebauthn/server';
import { z } from 'zod';
import { GatewayError } from '../domain/errors.ts';
import { accountKey } from '../domain/issuer.ts';
import { isLocalName, localId, localIssuer, localNameExpected } from '../domain/local-administrator.ts';
import type { Exclusions, NewExclusion } from '../store/exclusions.ts';
import type { Invitation, Passkeys, StoredPasskey } from '../store/passkeys.ts';
import type { Tokens } from '../store/tokens.ts';
import { creationOptions, newChallenge, refuse, requestOptions, verifyNewPasskey, verifyPasskey, type PasskeySite } from './passkey-ceremonies.ts';
import { Sealer } from './sealer.ts';

const invitationMs = 3_600_000;
/** A person has so long to use a passkey after a page has asked for it. */
const challengeMs = 300_000;
/** A command has so long to fetch its token after the person signed in. */
const codeMs = 60_000;

const sealedRegistration = z.object({ for: z.literal('registration'), challenge: z.string(), invitation: z.string(), name: z.string(), untilMs: z.number() });
const sealedSignIn = z.object({ for: z.literal('sign-in'), challenge: z.string(), untilMs: z.number() });
const sealedCode = z.object({
  for: z.literal('code'),
  id: z.string(),
  name: z.string(),
  passkey: z.string(),
  signedInMs: z.number(),
  verifier: z.string(),
  untilMs: z.number(),
});

/** The parts of the question for a passkey, for the page that asks. */
export interface Ceremony {
  /** In the form that browsers parse (WebAuthn Level 3, `parseCreationOptionsFromJSON` and `parseRequestOptionsFromJSON`). */
  readonly options: object;
  /** The page sends it back with the answer of the authenticator. */
  readonly sealed: string;
}

/** That a local administrator signed in. */
export interface LocalSignIn {
  readonly name: string;
  /** The id of the passkey. */
  readonly passkey: string;
  readonly signedInMs: number;
}

export interface LocalAdministratorsOptions {
  readonly passkeys: Passkeys;
  readonly tokens: Tokens;
  readonly exclusions: Exclusions;
  readonly now: () => number;
}

/**
 * The local administrators: people without an account at an issuer, who sign in with passkeys. Each is there as long as there is a passkey of theirs. Between
 * the two steps of a sign-in or a registration the page keeps what is needed, sealed with a key of this process.
 */
export class LocalAdministrators {
  readonly #passkeys: Passkeys;
  readonly #tokens: Tokens;
  readonly #exclusions: Exclusions;
  readonly #now: () => number;
  readonly #sealer = new Sealer();
  /** Challenges and codes that were used and are not accepted again, each with the time until which it would be. Only what succeeded is here. */
  readonly #used = new Map<string, number>();
  /** The invitations that are being spent. */
  readonly #spending = new Set<string>();

  constructor({ passkeys, tokens, exclusions, now }: LocalAdministratorsOptions) {
    this.#passkeys = passkeys;
    this.#tokens = tokens;
    this.#exclusions = exclusions;
    this.#now = now;
  }

  /** All passkeys, oldest first. */
  async list(): Promise<readonly StoredPasskey[]> {
    return this.#passkeys.list();
  }

  async find(id: string): Promise<StoredPasskey | null> {
    return this.#passkeys.find(id);
  }

  /** Removes a passkey, and ends all sign-ins of its administrator up to now. `by` is the principal that removes it. Rejects as `Exclusions.append` does. */
  async remove({ id, name }: StoredPasskey, by: string): Promise<void> {
    const timeMs = this.#now();
    await this.#passkeys.remove(id, timeMs, by, async () => this.#ends(name, timeMs, by));
  }

  /** Ends all sign-ins of an administrator up to now, as it wants itself. Rejects as `Exclusions.append` does. */
  async signOut(name: string): Promise<void> {
    await this.#exclusions.append(async () => this.#ends(name, this.#now(), localId(name)));
  }

  /** True if there never was an invitation, so that this is the first start. */
  async isUntouched(): Promise<boolean> {
    return this.#passkeys.isUntouched();
  }

  /** Returns an invitation for a name, or for whom its holder says, and its secret. It counts once it is kept. Throws GatewayError `malformed`. */
  newInvitation(name: string | null): { readonly secret: string; readonly invitation: Invitation } {
    if (name !== null && !isLocalName(name)) {
      throw new GatewayError('malformed', `${localNameExpected}.`);
    }
    const secret = randomBytes(32).toString('base64url');
    return { secret, invitation: { hash: hash('sha256', secret), name, expiresMs: this.#now() + invitationMs } };
  }

  async keepInvitation(invitation: Invitation): Promise<void> {
    await this.#passkeys.invite(invitation);
  }

  /** Returns the name of who is invited; null if its holder chooses one. Rejects with GatewayError `unauthenticated`. */
  async invited(secret: string): Promise<string | null> {
    return (await this.#invitation(hash('sha256', secret))).name;
  }

  /** Begins the registration of a passkey. Rejects with GatewayError `unauthenticated`, `malformed` or `conflict`. */
  async beginRegistration(site: PasskeySite, secret: string, wanted: string): Promise<Ceremony> {
    const invitation = await this.#invitation(hash('sha256', secret));
    const name = invitation.name ?? wanted;
    if (!isLocalName(name)) {
      throw new GatewayError('malformed', `${localNameExpected}.`);
    }
    const known = (await this.#passkeys.list()).filter((passkey) => passkey.name === name);
    if (invitation.name === null && known.length > 0) {
      throw new GatewayError('conflict', `There is a local administrator ${name} already: choose another name.`);
    }
    const challenge = newChallenge();
    const options = await creationOptions(site, name, challenge, known);
    return { options, sealed: this.#sealer.seal({ for: 'registration', challenge, invitation: invitation.hash, name, untilMs: this.#now() + challengeMs }) };
  }

  /**
   * Adds a passkey, once `record` has resolved, which is told of it. Rejects with GatewayError `unauthenticated` if the passkey or its invitation does not count,
   * and with what `record` rejects with.
   */
  async register(
    site: PasskeySite,
    sealed: string,
    response: RegistrationResponseJSON,
    record: (passkey: StoredPasskey) => Promise<void>,
  ): Promise<StoredPasskey> {
    const { challenge, invitation, name } = this.#open(sealedRegistration, sealed);
    const passkey = { ...(await verifyNewPasskey(site, challenge, response)), name, createdMs: this.#now(), usedMs: null };
    await this.#invitation(invitation);
    if (this.#spending.has(invitation) || (await this.#passkeys.find(passkey.id)) !== null) {
      return refuse();
    }
    this.#spending.add(invitation);
    try {
      await record(passkey);
      await this.#passkeys.add(passkey, invitation);
      return passkey;
    } finally {
      this.#spending.delete(invitation);
    }
  }

  /** Begins a sign-in. It names nobody. */
  beginSignIn(site: PasskeySite): Ceremony {
    const challenge = newChallenge();
    return { options: requestOptions(site, challenge), sealed: this.#sealer.seal({ for: 'sign-in', challenge, untilMs: this.#now() + challengeMs }) };
  }

  /** Finds who signs in with a passkey. Rejects with GatewayError `unauthenticated`. */
  async signIn(site: PasskeySite, sealed: string, response: AuthenticationResponseJSON): Promise<LocalSignIn> {
    const { challenge, untilMs } = this.#open(sealedSignIn, sealed);
    const passkey = (await this.#passkeys.find(response.id)) ?? refuse();
    const counter = await verifyPasskey(site, challenge, response, passkey);
    this.#useOnce(challenge, untilMs);
    const signedInMs = this.#now();
    await this.#passkeys.use(passkey.id, counter, signedInMs);
    return { name: passkey.name, signedInMs, passkey: passkey.id };
  }

  /** Returns a code with which a command gets its token, once. `verifier` is the challenge of PKCE: the SHA-256 of what the command keeps, in base64url (RFC 7636). */
  codeFor(signIn: LocalSignIn, verifier: string): string {
    return this.#sealer.seal({ ...signIn, for: 'code', id: newChallenge(), verifier, untilMs: this.#now() + codeMs });
  }

  /** Returns who signed in for a code. Throws GatewayError `unauthenticated`. */
  redeem(code: string, verifier: string): LocalSignIn {
    const sealed = this.#open(sealedCode, code);
    if (hash('sha256', verifier, 'base64url') !== sealed.verifier) {
      throw tooLate();
    }
    this.#useOnce(sealed.id, sealed.untilMs);
    return sealed;
  }

  /** The ends of what an administrator is signed in with. A token that another gateway made, whose clock is ahead, or that was made before a clock was set back, ends by its id. */
  async #ends(name: string, timeMs: number, by: string): Promise<readonly NewExclusion[]> {
    const later = await this.#tokens.idsMadeAfter(localId(name), timeMs);
    return [{ kind: 'ended', name: accountKey(localIssuer, name), timeMs, by }, ...later.map((id) => ({ kind: 'revoked', name: id, timeMs, by }) as const)];
  }

  async #invitation(hashOfSecret: string): Promise<Invitation> {
    const invitation = await this.#passkeys.findInvitation(hashOfSecret, this.#now());
    if (invitation === null) {
      throw deadLink();
    }
    return invitation;
  }

  #open<Content extends { readonly untilMs: number }>(schema: z.ZodType<Content>, sealed: string): Content {
    const { data } = schema.safeParse(this.#sealer.open(sealed));
    if (data === undefined || data.untilMs <= this.#now()) {
      throw tooLate();
    }
    return data;
  }

  #useOnce(id: string, untilMs: number): void {
    for (const [used, endMs] of this.#used) {
      if (endMs <= this.#now()) {
        this.#used.delete(used);
      }
    }
    if (this.#used.has(id)) {
      throw tooLate();
    }
    this.#used.set(id, untilMs);
  }
}

function tooLate(): GatewayError {
  return new GatewayError('unauthenticated', 'This sign-in did not begin here, took too long, or was used already: begin again.');
}

function deadLink(): GatewayError {
  return new GatewayError(
    'unauthenticated',
    'This link does not count: it was used, has expired, or is not whole. countersign passkey invite NAME makes a new one.',
  );
}
