import { z } from 'zod';
import { GatewayError } from '../../domain/errors.ts';
import { problemOf } from '../../exchange/problem.ts';
import type { Issuer } from '../../domain/issuer.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import type { Errand } from '../../identity/code-flow.ts';
import { Sealer } from '../../identity/sealer.ts';
import { attempt } from '../../sessions/attempt.ts';
import { recordOwnDecision } from '../../sessions/own-decision.ts';
import { asksForPage } from '../console.ts';
import { notSignedInPage } from '../pages/sign-in-page.ts';
import { checkReturn, cookieOf, formatCookie, siteOf, type Cookie, type Site } from '../browser.ts';
import type { OpenCall, OpenRoute } from '../open-route.ts';
import type { ApiParts } from '../parts.ts';

const path = '/api/v1/sign-in';
/** A person has so long to sign in at the issuer. */
const errandSeconds = 600;

const sealedErrand = z.object({
  issuer: z.string(),
  state: z.string(),
  nonce: z.string(),
  verifier: z.string(),
  redirectUri: z.string(),
  returnTo: z.string(),
  maxAgeSeconds: z.number(),
  begunMs: z.number(),
  untilMs: z.number(),
});

/**
 * The sign-in of a browser, with the gateway as the client of the issuer: `GET /api/v1/sign-in?issuer=NAME&return=/PAGE` sends the browser to the issuer, which sends
 * it back to `/api/v1/sign-in/callback`. With `fresh` the person signs in anew there.
 */
export function signInRoutes(sealer = new Sealer()): readonly OpenRoute[] {
  return [
    {
      method: 'GET',
      path,
      handle: asPage(async (parts, call) => {
        const query = new URL(call.request.url).searchParams;
        const site = siteOf(call.incoming, parts.browser().url);
        const issuer = chooseIssuer(parts, query.get('issuer'));
        const returnTo = query.get('return') ?? '/sign-in';
        checkReturn(returnTo);
        const maxAgeSeconds = query.has('fresh') ? 0 : Math.ceil(parts.browser().ageMs / 1000);
        const { address, errand } = await parts.codeFlow.begin(issuer, { redirectUri: `${site.origin}${path}/callback`, returnTo, maxAgeSeconds });
        return redirect(address.href, [signInCookie(site, sealer.seal({ ...errand, untilMs: Date.now() + errandSeconds * 1000 }), errandSeconds)]);
      }),
    },
    {
      method: 'GET',
      path: `${path}/callback`,
      handle: asPage(async (parts, call) => {
        const site = siteOf(call.incoming, parts.browser().url);
        const { id, returnTo } = await attempt(parts.refusals, { address: call.address, protocol: 'api' }, async () => comeBack(parts, call, { site, sealer }));
        const maxAgeSeconds = Math.ceil(parts.browser().ageMs / 1000);
        return redirect(returnTo, [formatCookie(site, { name: 'countersign', value: id, sameSite: 'Strict', maxAgeSeconds }), signInCookie(site, '', 0)]);
      }),
    },
  ];
}

/** Tells a person in a browser on a page why there is no sign-in; others get the error as it is. */
function asPage(handle: OpenRoute['handle']): OpenRoute['handle'] {
  return async (parts, call) => {
    try {
      return await handle(parts, call);
    } catch (error) {
      if (error instanceof GatewayError && asksForPage(call.incoming)) {
        const { detail, status } = problemOf(error);
        return notSignedInPage(detail, status);
      }
      throw error;
    }
  };
}

/** Begins the session of a browser that came back from its issuer. Rejects with GatewayError `unauthenticated`, `issuer_unreachable` or `cannot_record`. */
async function comeBack(
  parts: ApiParts,
  { incoming, request, address }: OpenCall,
  { site, sealer }: { readonly site: Site; readonly sealer: Sealer },
): Promise<{ readonly id: string; readonly returnTo: string }> {
  const kept = sealedErrand.safeParse(sealer.open(cookieOf(incoming, site, 'countersign-sign-in') ?? ''));
  const errand: Errand | null = kept.success && kept.data.untilMs > Date.now() ? kept.data : null;
  const issuer = parts.issuers().get(errand?.issuer ?? '');
  if (errand === null || issuer === undefined) {
    throw new GatewayError('unauthenticated', `This browser did not begin to sign in here, or too long ago: begin again at /sign-in.`);
  }
  const tokens = await parts.codeFlow.finish(issuer, errand, new URL(request.url).searchParams);
  const { id, principal } = await parts.browserSessions.begin(issuer, tokens);
  await recordOwnDecision(parts.recorder, {
    action: 'gateway.sign_in',
    verdict: 'allow',
    attributes: {
      'user.id': principal,
      'client.address': address,
      [ownAttributes.issuer]: issuer.url,
      [ownAttributes.subject]: tokens.signIn.subject,
    },
  });
  return { id, returnTo: errand.returnTo };
}

function chooseIssuer({ issuers }: ApiParts, wanted: string | null): Issuer {
  const found = wanted === null && issuers().size === 1 ? [...issuers().values()][0] : issuers().get(wanted ?? '');
  if (found === undefined) {
    throw new GatewayError('not_found', `Say where the account is, ${path}?issuer=NAME: ${[...issuers().keys()].join(', ')}.`);
  }
  return found;
}

function signInCookie(site: Site, value: string, maxAgeSeconds: number): string {
  const cookie: Cookie = { name: 'countersign-sign-in', value, sameSite: 'Lax', maxAgeSeconds };
  return formatCookie(site, cookie);
}

function redirect(location: string, cookies: readonly string[]): Response {
  const headers = new Headers({ location, 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' });
  cookies.forEach((cookie) => {
    headers.append('set-cookie', cookie);
  });
  return new Response(null, { status: 303, headers });
}
