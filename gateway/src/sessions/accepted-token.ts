import type { Attributes } from '../domain/action.ts';
import { ownAttributes } from '../domain/own-attributes.ts';
import type { Issued } from '../domain/principal.ts';
import type { IssuedToken } from '../identity/issuers.ts';
import type { Recorder } from '../recording/recorder.ts';
import { printMeta } from './meta.ts';

/**
 * Records for whom the token of an issuer is accepted, before anything is done with it: later records name the principal alone, whose name the issuer may give to
 * somebody else one day. Throws GatewayError `cannot_record`.
 */
export function recordAcceptedToken(recorder: Recorder, { id, principal, onBehalfOf, issued, expiresMs }: IssuedToken): void {
  const attributes: Attributes = {
    [ownAttributes.tokenId]: id,
    [ownAttributes.principal]: principal.id,
    [ownAttributes.principalKind]: principal.kind,
    'user.roles': principal.groups,
    ...(onBehalfOf === null ? {} : { [ownAttributes.onBehalfOf]: onBehalfOf }),
    ...issuedFacts(issued),
    [ownAttributes.tokenExpires]: new Date(expiresMs).toISOString(),
  };
  recorder.append(recorder.own, { kind: 'event', meta: printMeta(0, { action: 'gateway.accept_token', attributes }), content: [] });
}

/** Returns who vouched for a principal, and how it names it, for the record. */
export function issuedFacts({ issuer, subject, behalfSubject }: Issued): Attributes {
  return {
    [ownAttributes.issuer]: issuer,
    [ownAttributes.subject]: subject,
    ...(behalfSubject === undefined ? {} : { [ownAttributes.subjectOnBehalfOf]: behalfSubject }),
  };
}
