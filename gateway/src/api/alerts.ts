import { z } from 'zod';
import type { Alert, AlertStep } from '../alerts/alert.ts';
import { afterStep } from '../alerts/alert-book.ts';
import { alertActions } from '../alerts/alert.ts';
import { severities } from '../domain/alert.ts';
import type { Attributes } from '../domain/action.ts';
import { GatewayError } from '../domain/errors.ts';
import { ownAttributes } from '../domain/own-attributes.ts';
import { sightOf } from '../access/rights.ts';
import { isEverything } from '../query/query.ts';
import { recordOwnDecision } from '../sessions/own-decision.ts';
import type { Caller } from './caller.ts';
import type { ApiParts } from './parts.ts';

const step = z.object({
  what: z.enum(['acknowledge', 'assign', 'close']),
  by: z.string(),
  note: z.string().nullable(),
  assignee: z.string().nullable(),
  time: z.iso.datetime(),
});

export const alertSummary = z
  .object({
    alert: z.string(),
    rule: z.string().describe('The name of the rule that raised it.'),
    by: z.array(z.string()).readonly().describe('What its records have in common, each `FIELD=VALUE`; `others` if it stands for many of these.'),
    severity: z.enum(severities),
    state: z.enum(['open', 'acknowledged', 'closed']),
    assignee: z.string().nullable(),
    count: z.int().describe('How many records it counts.'),
    first: z.iso.datetime().describe('The time of the first of them.'),
    last: z.iso.datetime().describe('The time of the last of them.'),
    records: z.array(z.string()).readonly().describe('`LOG/INDEX` of some of them, the last of them last.'),
    raised: z.string().describe('`LOG/INDEX` of the record that raised it.'),
    steps: z.array(step).readonly().describe('What people did with it, oldest first.'),
  })
  .meta({ id: 'Alert' });

export type AlertSummary = z.output<typeof alertSummary>;

export function summarizeAlert({ id, firstMs, lastMs, steps, rule, by, severity, state, assignee, count, records, raised }: Alert): AlertSummary {
  return {
    alert: id,
    rule,
    by,
    severity,
    state,
    assignee,
    count,
    first: new Date(firstMs).toISOString(),
    last: new Date(lastMs).toISOString(),
    records,
    raised,
    steps: steps.map(({ what, by: who, note, assignee: to, timeMs }) => ({ what, by: who, note, assignee: to, time: new Date(timeMs).toISOString() })),
  };
}

/** Returns the alerts that a caller sees: all, if it may search all records. An alert speaks of many. */
export async function alertsFor({ reader }: Pick<ApiParts, 'reader'>, { rights }: Caller): Promise<readonly Alert[]> {
  return isEverything(sightOf(rights, 'search').facts) ? reader.alerts() : [];
}

/** Rejects with GatewayError `not_found`. */
export async function findAlert(parts: Pick<ApiParts, 'reader'>, caller: Caller, id: string): Promise<Alert> {
  const alert = (await alertsFor(parts, caller)).find((each) => each.id === id);
  if (alert === undefined) {
    throw new GatewayError('not_found', 'There is no such alert: countersign alert list --all names them.');
  }
  return alert;
}

/** Records what a person does with an alert. Resolves with the alert after it. Rejects with GatewayError `not_found`; `conflict` if it is closed. */
export async function stepAlert(
  parts: Pick<ApiParts, 'reader' | 'recorder'>,
  { caller, id }: { readonly caller: Caller; readonly id: string },
  { what, note = '', assignee = null }: { readonly what: AlertStep['what']; readonly note?: string; readonly assignee?: string | null },
): Promise<AlertSummary> {
  const alert = await findAlert(parts, caller, id);
  if (alert.state === 'closed') {
    throw new GatewayError('conflict', `The alert ${alert.id} is closed already.`);
  }
  const attributes: Attributes = {
    'user.id': caller.id,
    'client.address': caller.address,
    [ownAttributes.alertId]: alert.id,
    [ownAttributes.alertRule]: alert.rule,
    [ownAttributes.count]: alert.count,
    ...(assignee === null ? {} : { [ownAttributes.alertAssignee]: assignee }),
  };
  await recordOwnDecision(parts.recorder, { action: alertActions[what], verdict: 'allow', ...(note === '' ? {} : { reason: note }), attributes });
  return summarizeAlert(afterStep(alert, { what, by: caller.id, note: note === '' ? null : note, assignee, timeMs: Date.now() }));
}
