import { escapeHtml, pageAnswer } from './page.ts';

/** A command of this machine that waits for a sign-in. */
export interface WaitingCommand {
  /** The port of the loopback address at which it waits. */
  readonly port: number;
  /** The command is told this text with the answer, so that it knows the answer for its own. */
  readonly state: string;
  /** The challenge of PKCE (RFC 7636, S256). */
  readonly challenge: string;
}

export interface SignInPage {
  /** The principal that is signed in. Null: nobody is. */
  readonly principal: string | null;
  /** The names of the issuers. */
  readonly issuers: readonly string[];
  /** The page of the gateway that comes next. */
  readonly returnTo: string;
  /** True: who signs in at an issuer does so anew. */
  readonly isFresh: boolean;
  /** Null: the browser itself is signed in. */
  readonly command: WaitingCommand | null;
  /** Where passkeys are used: on this page, on that of another address, or, if it is null, nowhere. */
  readonly passkeys: 'here' | { readonly at: string } | null;
}

const script = `
const button = document.getElementById('passkey');
const { returnTo, command } = button?.dataset ?? {};
on('passkey', 'Asking for a passkey…', async () => {
  const { options, sealed } = await ask('/api/v1/sign-in/passkey/challenge', {});
  const credential = await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
  const waiting = command === undefined ? {} : { command: JSON.parse(command) };
  const { to } = await ask('/api/v1/sign-in/passkey', { sealed, credential: credential.toJSON(), ...waiting });
  say('Signed in.');
  location.assign(to ?? returnTo);
});
const signOut = (everywhere) => async () => {
  await ask('/api/v1/sign-out', { everywhere });
  location.reload();
};
on('sign-out', 'Signing out…', signOut(false));
on('everywhere', 'Signing out everywhere…', signOut(true));
if (button !== null && !hasPasskeys) { button.hidden = true; say('This browser has no passkeys.'); }
`;

/** The page on which people sign in and out. */
export function signInPage({ principal, issuers, returnTo, isFresh, command, passkeys }: SignInPage): Response {
  const signedIn =
    principal === null
      ? ''
      : `<p>You are signed in as <strong>${escapeHtml(principal)}</strong>.</p>
<button id="sign-out" type="button">Sign out</button>
<button id="everywhere" type="button">Sign out everywhere</button>
<h2>Sign in again</h2>`;
  const before = command === null ? signedIn : '<p>This signs in <code>countersign login</code> on this machine. If you did not start it, close this page.</p>';
  const links = command === null ? issuers.map((name) => linkTo(name, returnTo, isFresh)).join('\n') : '';
  const waiting = command === null ? '' : ` data-command="${escapeHtml(JSON.stringify(command))}"`;
  const words = 'Sign in with a passkey';
  const passkey =
    passkeys === 'here'
      ? `<button id="passkey" type="button" class="first" data-return-to="${escapeHtml(returnTo)}"${waiting}>${words}</button>`
      : passkeys === null
        ? ''
        : `<a class="button" href="${escapeHtml(passkeys.at)}">${words}</a>`;
  const body = `${before}
${links}
${passkey}
<p id="said" role="status"></p>`;
  return pageAnswer({ title: 'Sign in', body, script });
}

function linkTo(issuer: string, returnTo: string, isFresh: boolean): string {
  const query = new URLSearchParams({ issuer, return: returnTo, ...(isFresh ? { fresh: '' } : {}) });
  return `<a class="button" href="/api/v1/sign-in?${escapeHtml(query.toString())}">Sign in with ${escapeHtml(issuer)}</a>`;
}
