import { z } from 'zod';
import type { ApprovalView, Approvals } from '../controls/approvals/approvals.ts';
import { groupsOf, type Granter } from '../controls/approvals/granters.ts';
import { answerOf } from '../domain/approval.ts';
import { GatewayError } from '../domain/errors.ts';
import { scopeOf } from '../access/rights.ts';
import { matches, type Facts } from '../query/matches.ts';
import { isEverything } from '../query/query.ts';
import type { Caller } from './caller.ts';

const state = z.enum(['waiting', 'granted', 'spent', 'denied', 'expired', 'withdrawn']);
const next = z.enum(['wait', 'resend', 'stop']).describe('What the client of the request does next.');

/** The part of an approval that the one who asked may see. */
export const ownApproval = z
  .object({ approval: z.string(), state, next })
  .meta({ id: 'OwnApproval', description: 'An approval, as the one who asked sees it.' });

export const approvalSummary = z
  .object({
    approval: z.string(),
    session: z.string(),
    record: z.string().describe('`LOG/INDEX` of the record of the request.'),
    principal: z.string(),
    onBehalfOf: z.string().nullable(),
    target: z.string(),
    action: z.string(),
    text: z
      .string()
      .describe('The request as people read it, cut at a limit. It contains control characters as they were sent. Empty for who may not read it.'),
    groups: z.array(z.string()).readonly().describe('One person of each of these groups must grant, and each another one.'),
    granted: z.array(z.string()).readonly().describe('The groups for which somebody has granted.'),
    state,
    next,
    requested: z.iso.datetime(),
    expires: z.iso.datetime(),
  })
  .meta({ id: 'ApprovalSummary', description: 'An approval in a list.' });

export type ApprovalSummary = z.output<typeof approvalSummary>;
export type OwnApproval = z.output<typeof ownApproval>;

/** Finds out who decides: the operator on the gateway's machine, or a principal by its token. Throws GatewayError `refused`. */
export function granterOf({ standing, identity }: Caller): Granter {
  if (identity === undefined && standing !== null) {
    throw new GatewayError('refused', 'Only a principal or the operator decides on an approval.');
  }
  return { identity: identity ?? null };
}

/**
 * Says what somebody sees of an approval: those who may decide on it, and those who see all approvals and read content, all of it; others who see all approvals its facts; the one who
 * asked what became of it; anybody else nothing.
 */
type ApprovalSight = 'all' | 'facts' | 'own' | 'nothing';

export function sightOf(caller: Caller, view: ApprovalView): ApprovalSight {
  const { identity, rights } = caller;
  const seesFacts = matches(scopeOf(rights, 'approve'), factsOf(view));
  if (mayDecide(caller, view) || (seesFacts && isEverything(scopeOf(rights, 'content')))) {
    return 'all';
  }
  return seesFacts ? 'facts' : identity?.principal.id === view.principal ? 'own' : 'nothing';
}

/** Finds an approval that the caller may see. Throws GatewayError `not_found`, also if it may not. */
export function findApproval(
  approvals: Approvals,
  id: string,
  caller: Caller,
): { readonly view: ApprovalView; readonly sight: Exclude<ApprovalSight, 'nothing'> } {
  const view = approvals.find(id);
  const sight = view === null ? 'nothing' : sightOf(caller, view);
  if (view === null || sight === 'nothing') {
    throw new GatewayError('not_found', 'There is no such approval: countersign approval list names them.');
  }
  return { view, sight };
}

/** Says of an approval what somebody may see who sees at least its facts. */
export function summarizeApproval(view: ApprovalView, sight: 'all' | 'facts' = 'all'): ApprovalSummary {
  const { approval, session, record, principal, onBehalfOf, target, action, text, groups, granted, requestedMs, expiresMs } = view;
  return {
    approval,
    session,
    record,
    principal,
    onBehalfOf,
    target,
    action,
    text: sight === 'all' ? text : '',
    groups,
    granted,
    state: view.state,
    next: answerOf(approval, view.state).next,
    requested: new Date(requestedMs).toISOString(),
    expires: new Date(expiresMs).toISOString(),
  };
}

/** Returns the facts of an approval by which rights to see it are limited. */
function factsOf({ target, principal, onBehalfOf, requestedMs }: ApprovalView): Facts {
  const values = { target: [target], principal: [principal], 'on-behalf-of': onBehalfOf === null ? [] : [onBehalfOf] };
  return { timeMs: requestedMs, values: new Map(Object.entries(values)), words: [] };
}

function mayDecide(caller: Caller, view: ApprovalView): boolean {
  try {
    groupsOf(granterOf(caller), view);
    return true;
  } catch (error) {
    if (error instanceof GatewayError) {
      return false;
    }
    throw error;
  }
}
