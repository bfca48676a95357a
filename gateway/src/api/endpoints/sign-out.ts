import { z } from 'zod';
import { GatewayError } from '../../domain/errors.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import { json } from '../answer.ts';
import { jsonBody } from '../body.ts';
import { endpoint } from '../endpoint.ts';
import type { ApiParts } from '../parts.ts';
import { recordDeparture } from '../departure-records.ts';

type Parts = Pick<ApiParts, 'browserSessions' | 'departures' | 'issuers' | 'recorder'>;

export const signOut = endpoint({
  id: 'signOut',
  method: 'POST',
  path: '/api/v1/sign-out',
  summary: 'Ends the session of a browser; with `everywhere` all sessions of the person, and all tokens that the issuer made for them up to now.',
  callers: 'everybody',
  body: jsonBody(z.strictObject({ everywhere: z.boolean().default(false) })),
  answer: json(
    z.object({
      signedOut: z.string().describe('The id of the principal.'),
      sessions: z.int().describe('How many sessions of browsers ended.'),
    }),
  ),
  act: async (parts: Parts, { caller: { id, address, browser, identity }, body: { everywhere } }) => {
    const { browserSessions, departures, issuers } = parts;
    const issued = identity?.issued;
    const issuer = [...issuers().values()].find(({ url }) => url === issued?.issuer);
    if (everywhere) {
      if (issued === undefined || issuer === undefined) {
        throw new GatewayError('malformed', 'Only who signs in at an issuer signs out everywhere: countersign token revoke ends a token of the gateway.');
      }
      await departures.signOut({ issuer: issuer.name, subject: issued.subject, signIn: null, id: '', issuedMs: Date.now() });
      const sessions = browserSessions.endAll(issuer.name, issued.subject);
      const attributes = { 'user.id': id, 'client.address': address, [ownAttributes.issuer]: issuer.url, [ownAttributes.subject]: issued.subject };
      await recordDeparture(parts.recorder, { action: 'gateway.end_sign_ins', attributes });
      return { signedOut: id, sessions };
    }
    if (browser !== undefined) {
      browserSessions.end(browser);
    }
    return { signedOut: id, sessions: browser === undefined ? 0 : 1 };
  },
});
