import { pageAnswer } from './page.ts';

const body = `<p id="who">This link makes somebody a local administrator of this gateway, who signs in with a passkey: a key of this device, a phone or a security key.</p>
<p id="said" role="status"></p>
<label id="naming" hidden>Your name in the record <input id="name" autocomplete="username" autocapitalize="none" spellcheck="false" maxlength="63" placeholder="ann"></label>
<button id="register" type="button" class="first" hidden>Register a passkey</button>
<a id="next" class="button" href="/sign-in" hidden>Sign in</a>`;

// The secret of a link is behind the #, which browsers send to nobody. It is taken out of the address, so that it is not in the history.
const script = `
const secret = location.hash.slice(1);
history.replaceState(null, '', location.pathname);
const field = document.getElementById('name');
const show = (...ids) => ids.forEach((id) => { document.getElementById(id).hidden = false; });
doing('', async () => {
  const { name } = await ask('/api/v1/invitation', { secret });
  if (name === null) { show('naming'); } else { document.getElementById('who').textContent = 'This link is for ' + name + ', who signs in as a local administrator with a passkey: a key of this device, a phone or a security key.'; }
  if (hasPasskeys) { show('register'); } else { say('This browser has no passkeys.'); }
});
on('register', 'Asking for a passkey…', async () => {
  const { options, sealed } = await ask('/api/v1/invitation/challenge', { secret, name: field.value.trim() });
  const credential = await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) });
  const { principal } = await ask('/api/v1/invitation/passkey', { sealed, credential: credential.toJSON() });
  ['who', 'naming', 'register'].forEach((id) => { document.getElementById(id).hidden = true; });
  say('Done: ' + principal + ' has a passkey.');
  show('next');
});
`;

/** The page behind the link of an invitation, on which a passkey is registered. */
export function passkeyPage(): Response {
  return pageAnswer({ title: 'Register a passkey', body, script });
}
