import { z } from 'zod';
import type { Principal } from '../../domain/principal.ts';
import { GatewayError } from '../../domain/errors.ts';
import { localId } from '../../domain/local-administrator.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import type { NewToken } from '../../identity/authenticator.ts';
import type { LocalSignIn } from '../../identity/local-administrators.ts';
import { attempt, identify } from '../../sessions/attempt.ts';
import { recordOwnDecision } from '../../sessions/own-decision.ts';
import { jsonBody } from '../body.ts';
import { checkOwnPage, checkReturn, cookieOf, formatCookie, siteOf } from '../browser.ts';
import { checkOrigin } from '../credential.ts';
import type { OpenCall, OpenRoute } from '../open-route.ts';
import { passkeyPage } from '../pages/passkey-page.ts';
import { signInPage, type WaitingCommand } from '../pages/sign-in-page.ts';
import { passkeySite, placeOfPasskeys } from '../passkey-site.ts';
import type { ApiParts } from '../parts.ts';

const secret = z.string().max(128);
const sealed = z.string().max(4_096);
const base64url = z
  .string()
  .max(65_536)
  .regex(/^[\w-]*$/);
/** The parts of every answer of an authenticator, in the form in which browsers write it as JSON (WebAuthn Level 3, `toJSON`). */
const credential = {
  id: base64url.max(1_400),
  rawId: base64url.max(1_400),
  type: z.literal('public-key'),
  clientExtensionResults: z.looseObject({}).transform(() => ({})),
};
const newCredential = z.object({
  ...credential,
  response: z.object({ clientDataJSON: base64url, attestationObject: base64url, transports: z.array(z.string().max(32)).max(16).default([]) }),
});
const shownCredential = z.object({
  ...credential,
  response: z.object({ clientDataJSON: base64url, authenticatorData: base64url, signature: base64url, userHandle: base64url.default('') }),
});
const port = z.coerce.number().int().min(1).max(65_535);
const waitingCommand = z.object({ port, state: z.string().regex(/^[\w-]{1,128}$/), challenge: z.string().regex(/^[\w-]{43}$/) });

const bodies = {
  nothing: jsonBody(z.strictObject({})),
  signIn: jsonBody(z.strictObject({ sealed, credential: shownCredential, command: waitingCommand.optional() })),
  code: jsonBody(z.strictObject({ code: sealed, verifier: z.string().max(256) })),
  invitation: jsonBody(z.strictObject({ secret })),
  challenge: jsonBody(z.strictObject({ secret, name: z.string().max(256) })),
  registration: jsonBody(z.strictObject({ sealed, credential: newCredential })),
};

/** The page on which people sign in, the page on which they register a passkey, and what these pages and `countersign login` ask. */
export const passkeyRoutes: readonly OpenRoute[] = [
  { method: 'GET', path: '/passkey', handle: async () => Promise.resolve(passkeyPage()) },
  { method: 'GET', path: '/sign-in', handle: async (parts, call) => showSignIn(parts, call) },
  ownPost('/api/v1/invitation', async (parts, { request }) => {
    const { secret: shown } = await bodies.invitation.read(request);
    return { name: await parts.localAdministrators.invited(shown) };
  }),
  ownPost('/api/v1/invitation/challenge', async (parts, { request, incoming }) => {
    const { secret: shown, name } = await bodies.challenge.read(request);
    return parts.localAdministrators.beginRegistration(passkeySite(incoming, parts.browser().url), shown, name);
  }),
  ownPost('/api/v1/invitation/passkey', register),
  ownPost('/api/v1/sign-in/passkey/challenge', async (parts, { request, incoming }) => {
    await bodies.nothing.read(request);
    return parts.localAdministrators.beginSignIn(passkeySite(incoming, parts.browser().url));
  }),
  ownPost('/api/v1/sign-in/passkey', signIn),
  ownPost('/api/v1/sign-in/link/principal', async ({ links }, { request }) => ({
    principal: links.principalOf((await bodies.invitation.read(request)).secret),
  })),
  ownPost('/api/v1/sign-in/link/spend', spendLink),
  post('/api/v1/sign-in/command', ({ incoming }) => checkOrigin(incoming), signInCommand),
];

/** An address that takes JSON and answers with JSON. Refusals are recorded and slowed down like those of a login. */
function post(path: string, check: (call: OpenCall, parts: ApiParts) => void, act: (parts: ApiParts, call: OpenCall) => Promise<object>): OpenRoute {
  return {
    method: 'POST',
    path,
    handle: async (parts, call) => {
      const result = await attempt(parts.refusals, { address: call.address, protocol: 'api' }, async () => {
        check(call, parts);
        return act(parts, call);
      });
      return result instanceof Response ? result : Response.json(result);
    },
  };
}

/** An address that only pages of the gateway ask. */
function ownPost(path: string, act: (parts: ApiParts, call: OpenCall) => Promise<object>): OpenRoute {
  return post(path, ({ incoming }, { browser }) => checkOwnPage(incoming, siteOf(incoming, browser().url)), act);
}

async function register(parts: ApiParts, { request, incoming, address }: OpenCall): Promise<object> {
  const { sealed: begun, credential: response } = await bodies.registration.read(request);
  const site = passkeySite(incoming, parts.browser().url);
  const { name } = await parts.localAdministrators.register(site, begun, response, async (passkey) =>
    recordOwnDecision(parts.recorder, {
      action: 'gateway.add_passkey',
      verdict: 'allow',
      reason: `a passkey for ${localId(passkey.name)}`,
      attributes: { 'user.id': localId(passkey.name), 'client.address': address, [ownAttributes.passkey]: passkey.id },
    }),
  );
  return { principal: localId(name) };
}

async function signIn(parts: ApiParts, { request, incoming, address }: OpenCall): Promise<object> {
  const { sealed: begun, credential: response, command } = await bodies.signIn.read(request);
  const { localAdministrators, browser, browserSessions } = parts;
  const person = await localAdministrators.signIn(passkeySite(incoming, browser().url), begun, response);
  if (command !== undefined) {
    const code = localAdministrators.codeFor(person, command.challenge);
    return { to: `http://127.0.0.1:${command.port}/?${new URLSearchParams({ code, state: command.state }).toString()}` };
  }
  const made = await makeToken(parts, person, address);
  const id = browserSessions.beginLocal(person.name, made);
  return withSession(incoming, browser(), id);
}

/** Answers a browser with the cookie of its session. */
function withSession(incoming: OpenCall['incoming'], { url, ageMs }: ReturnType<ApiParts['browser']>, id: string): Response {
  const cookie = formatCookie(siteOf(incoming, url), { name: 'countersign', value: id, sameSite: 'Strict', maxAgeSeconds: Math.ceil(ageMs / 1000) });
  return Response.json({}, { headers: { 'set-cookie': cookie } });
}

/** Signs a browser in with the token of who made the link. */
async function spendLink({ links, browser, browserSessions, recorder }: ApiParts, { request, incoming, address }: OpenCall): Promise<object> {
  const { secret: shown } = await bodies.invitation.read(request);
  const { id, principal, tokenId } = await browserSessions.beginWith(links.spend(shown));
  await recordOwnDecision(recorder, {
    action: 'gateway.sign_in',
    verdict: 'allow',
    attributes: { 'user.id': principal, 'client.address': address, [ownAttributes.tokenId]: tokenId },
  });
  return withSession(incoming, browser(), id);
}

/** Gives a command the token of who signed in for it. */
async function signInCommand(parts: ApiParts, { request, address }: OpenCall): Promise<object> {
  const { code, verifier } = await bodies.code.read(request);
  const { token, stored } = await makeToken(parts, parts.localAdministrators.redeem(code, verifier), address);
  return { token, expires: new Date(stored.expiresMs).toISOString() };
}

/** Makes the token with which a local administrator is signed in, and records it. Rejects with GatewayError `unauthenticated`, `refused` or `cannot_record`. */
async function makeToken({ authenticator, browser, recorder }: ApiParts, person: LocalSignIn, address: string): Promise<NewToken> {
  const made = await authenticator.signIn(person, browser().ageMs);
  await recordOwnDecision(recorder, {
    action: 'gateway.sign_in',
    verdict: 'allow',
    attributes: {
      'user.id': localId(person.name),
      'client.address': address,
      [ownAttributes.passkey]: person.passkey,
      [ownAttributes.tokenId]: made.stored.id,
    },
  });
  return made;
}

async function showSignIn(parts: ApiParts, call: OpenCall): Promise<Response> {
  const query = new URL(call.request.url).searchParams;
  const returnTo = query.get('return') ?? '/sign-in';
  checkReturn(returnTo);
  const page = signInPage({
    principal: (await signedIn(parts, call))?.id ?? null,
    issuers: [...parts.issuers().keys()],
    returnTo,
    isFresh: query.has('fresh'),
    command: commandIn(query),
    passkeys: placeOfPasskeys(call.incoming, parts.browser().url),
  });
  if (['cross-site', 'same-site'].includes(String(call.incoming.headers['sec-fetch-site']))) {
    // The browser comes from another page, as from an issuer, and has not sent the cookie. It does when the page itself asks again.
    page.headers.set('refresh', '0');
  }
  return page;
}

function commandIn(query: URLSearchParams): WaitingCommand | null {
  if (!query.has('port')) {
    return null;
  }
  const { data } = waitingCommand.safeParse(Object.fromEntries(query));
  if (data === undefined) {
    throw new GatewayError('malformed', 'countersign login opens this page with port, state and challenge: run it again.');
  }
  return data;
}

/** Returns who is signed in with the browser of a request; null if nobody is. */
async function signedIn({ browser, browserSessions, authenticator }: ApiParts, { incoming }: OpenCall): Promise<Principal | null> {
  const id = cookieOf(incoming, siteOf(incoming, browser().url), 'countersign');
  try {
    return id === null ? null : (await identify(authenticator, await browserSessions.find(id))).principal;
  } catch (error) {
    if (error instanceof GatewayError) {
      return null;
    }
    throw error;
  }
}
