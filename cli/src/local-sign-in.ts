import { hash, randomBytes } from 'node:crypto';
import { ApiClient } from './api-client.ts';
import { BrowserAnswer } from './browser-answer.ts';
import type { SignedIn } from './signed-in.ts';

interface LocalSignInOptions {
  /** The port for the answer of the browser; 0 takes any free one. */
  readonly port: number;
  /** Told the address that the person opens in a browser of this machine. */
  readonly invite: (address: string) => void;
}

/**
 * Signs a local administrator in with a passkey, on a page of the gateway, which sends the browser back to this machine with a code (RFC 8252, RFC 7636). Rejects
 * with an Error that says what happened.
 */
export async function signInLocally(gateway: string, { port, invite }: LocalSignInOptions): Promise<SignedIn> {
  const [verifier, state] = [randomBytes(32).toString('base64url'), randomBytes(32).toString('base64url')];
  await using answer = await BrowserAnswer.open(port, state);
  const page = new URL('/sign-in', gateway);
  // Browsers take passkeys for names alone.
  page.hostname = ['127.0.0.1', '[::1]'].includes(page.hostname) ? 'localhost' : page.hostname;
  page.search = new URLSearchParams({ port: new URL(answer.address).port, state, challenge: hash('sha256', verifier, 'base64url') }).toString();
  invite(page.href);
  const code = (await answer.received).searchParams.get('code') ?? '';
  const { token, expires }: { readonly token: string; readonly expires: string } = await new ApiClient({ url: gateway, socket: null, token: '' }).json(
    'POST',
    '/api/v1/sign-in/command',
    { code, verifier },
  );
  return { issuer: null, token, expiresMs: Date.parse(expires), refreshToken: null };
}
