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
// The secret of a link is behind the #, which browsers send to nobody. It is taken out of the address, so that it is not in the history.
const secret = location.hash.slice(1);
if (secret !== '') {
  history.replaceState(null, '', location.pathname + location.search);
  const link = document.getElementById('link');
  doing('', async () => {
    const { principal } = await ask('/api/v1/sign-in/link/principal', { secret });
    link.textContent = 'Sign in as ' + principal;
    link.hidden = false;
  });
}
on('link', 'Signing in…', async () => {
  await ask('/api/v1/sign-in/link/spend', { secret });
  location.assign('/');
});
on('sign-out', 'Signing out…', signOut(false));
on('everywhere', 'Signing out everywhere…', signOut(true));
if (button !== null && !hasPasskeys) { button.hidden = true; say('This browser has no passkeys.'); }
`;

/** The page on which people sign in and out. */
export function signInPage(page: SignInPage): Response {
  const { principal, issuers, command } = page;
  const ofCommand = '<p>This signs in <code>countersign login</code> on this machine. If you did not start it, close this page.</p>';
  const before = command !== null ? ofCommand : principal !== null ? signedIn(principal) : '';
  // A command signs people in at an issuer by itself.
  const ways = [...(command === null ? issuers.map((issuer) => issuerLink(issuer, page)) : []), ...passkeyControl(page)];
  const none = '<p>Nobody signs in here: passkeys need <code>identity.browser.url</code> in the configuration of the gateway.</p>';
  const byLink =
    command === null ? '<p>Whoever has a token, or works on the machine of the gateway, opens the console with <code>countersign console</code>.</p>' : '';
  const link = '<button id="link" type="button" class="first" hidden>Sign in</button>';
  const body = [before, link, ...(ways.length === 0 ? [none] : ways), byLink, '<p id="said" role="status"></p>'].join('\n');
  return pageAnswer({ title: 'Sign in', body, script });
}

/** The page for whoever could not sign in, because of `why`. */
export function notSignedInPage(why: string, status: number): Response {
  const body = `<p role="alert">${escapeHtml(why)}</p>\n<a class="button" href="/sign-in">Sign in</a>\n<p id="said" role="status"></p>`;
  return pageAnswer({ title: 'Not signed in', body, script: '', status });
}

function signedIn(principal: string): string {
  return `<p>You are signed in as <strong>${escapeHtml(principal)}</strong>.</p>
<button id="sign-out" type="button">Sign out</button>
<button id="everywhere" type="button">Sign out everywhere</button>
<h2>Sign in again</h2>`;
}

function issuerLink(issuer: string, { returnTo, isFresh }: SignInPage): string {
  const query = new URLSearchParams({ issuer, return: returnTo, ...(isFresh ? { fresh: '' } : {}) });
  return `<a class="button" href="/api/v1/sign-in?${escapeHtml(query.toString())}">Sign in with ${escapeHtml(issuer)}</a>`;
}

function passkeyControl({ returnTo, command, passkeys }: SignInPage): readonly string[] {
  const words = 'Sign in with a passkey';
  if (passkeys === 'here') {
    const waiting = command === null ? '' : ` data-command="${escapeHtml(JSON.stringify(command))}"`;
    return [`<button id="passkey" type="button" class="first" data-return-to="${escapeHtml(returnTo)}"${waiting}>${words}</button>`];
  }
  return passkeys === null ? [] : [`<a class="button" href="${escapeHtml(passkeys.at)}">${words}</a>`];
}
