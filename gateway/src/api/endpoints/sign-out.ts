import { z } from 'zod';
import type { Attributes } from '../../domain/action.ts';
import { GatewayError } from '../../domain/errors.ts';
import type { Issuer } from '../../domain/issuer.ts';
import { localIssuer, localNameOf } from '../../domain/local-administrator.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import { json } from '../answer.ts';
import { jsonBody } from '../body.ts';
import type { Caller } from '../caller.ts';
import { endpoint } from '../endpoint.ts';
import type { ApiParts } from '../parts.ts';
import { noIssuer } from '../../identity/browser-sessions.ts';
import { endToken, type TokenParts } from '../token-acts.ts';
import { recordDeparture } from '../departure-records.ts';

type Parts = TokenParts & Pick<ApiParts, 'browserSessions' | 'departures' | 'issuers' | 'localAdministrators'>;

export const signOut = endpoint({
  id: 'signOut',
  method: 'POST',
  path: '/api/v1/sign-out',
  summary:
    'Ends the session of a browser; with `everywhere` all sessions of the person, and all tokens that were made for their sign-ins up to now. With a token of the gateway these are the sessions that were begun with links.',
  callers: 'everybody',
  body: jsonBody(z.strictObject({ everywhere: z.boolean().default(false) })),
  answer: json(
    z.object({
      signedOut: z.string().describe('The id of the principal.'),
      sessions: z.int().describe('How many sessions of browsers ended.'),
    }),
  ),
  act: async (parts: Parts, { caller, body: { everywhere } }) => {
    const { id, address, browser, identity } = caller;
    const { browserSessions, departures, issuers } = parts;
    if (everywhere) {
      const account = accountOf(caller, issuers());
      if (account === null && browser === undefined) {
        throw new GatewayError('malformed', 'Only who signs in signs out everywhere: countersign token revoke ends a token of the gateway.');
      }
      const { issuer, subject, facts } = account ?? { issuer: noIssuer, subject: id, facts: {} };
      if (issuer === localIssuer) {
        await parts.localAdministrators.signOut(subject);
      } else if (issuer !== noIssuer) {
        await departures.signOut({ issuer, subject, signIn: null, endedMs: Date.now() });
      }
      const sessions = browserSessions.endAll(issuer, subject);
      await recordDeparture(parts.recorder, { action: 'gateway.end_sign_ins', attributes: { 'user.id': id, 'client.address': address, ...facts } });
      return { signedOut: id, sessions };
    }
    if (browser !== undefined) {
      browserSessions.end(browser);
    }
    if (identity !== undefined && localNameOf(id) !== null) {
      await endToken(parts, identity.tokenId, caller);
    }
    return { signedOut: id, sessions: browser === undefined ? 0 : 1 };
  },
});

/** The account with which somebody signs in, and how the record names it. */
interface Account {
  readonly issuer: string;
  readonly subject: string;
  readonly facts: Attributes;
}

function accountOf({ id, identity }: Caller, issuers: ReadonlyMap<string, Issuer>): Account | null {
  const name = localNameOf(id);
  if (name !== null) {
    return { issuer: localIssuer, subject: name, facts: {} };
  }
  const issued = identity?.issued;
  const issuer = [...issuers.values()].find(({ url }) => url === issued?.issuer);
  return issued === undefined || issuer === undefined
    ? null
    : { issuer: issuer.name, subject: issued.subject, facts: { [ownAttributes.issuer]: issuer.url, [ownAttributes.subject]: issued.subject } };
}
