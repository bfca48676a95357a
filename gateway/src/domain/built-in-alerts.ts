import type { AlertRule } from './alert.ts';
import { ownAttributes } from './own-attributes.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** Holds for a request of somebody who came in, which needs a role that they do not have. It is recorded as a refused login. */
const lackedRole = `${ownAttributes.reason}:refused*`;

type BuiltIn = Pick<AlertRule, 'query' | 'by' | 'severity'> & Partial<AlertRule>;

/** The rules that every gateway has, by their names. The configuration changes single settings of them, names their sinks, or switches them off. `title` is for documents. */
export const builtInAlerts: Readonly<Record<string, BuiltIn & { readonly title: string }>> = {
  'denied-burst': {
    title: 'Somebody is denied again and again.',
    query: `verdict:deny (${lackedRole} or not action:gateway.authenticate)`,
    count: 5,
    windowMs: minuteMs,
    by: ['principal'],
    severity: 'high',
  },
  'unknown-verdict': {
    title: 'A request was let through although it is not known what it does.',
    query: 'kind:request effect:unknown verdict:allow not action:mcp.call_tool',
    by: ['principal', 'target'],
    severity: 'medium',
  },
  'class-to-model': {
    title: 'Sensitive values went to a model.',
    query: 'kind:prompt class:(card or iban or us-ssn or passport or driving-licence or secret-token or private-key or url-credentials)',
    by: ['principal', 'target'],
    severity: 'high',
  },
  'mass-read': {
    title: 'A single answer had very many rows.',
    query: 'rows:>=100000',
    by: ['principal', 'target'],
    severity: 'medium',
  },
  'off-hours': {
    title: 'Something was changed outside of working hours.',
    query: 'kind:change verdict:allow',
    by: ['principal'],
    severity: 'info',
    outside: { days: [1, 2, 3, 4, 5], fromMinute: 6 * 60, toMinute: 22 * 60, timeZone: 'UTC' },
  },
  'tool-changed': {
    title: 'A target changed the definition of a tool.',
    query: `${ownAttributes.toolDigestAfter}:*`,
    by: ['gen_ai.tool.name'],
    severity: 'high',
  },
  'recorder-trouble': {
    title:
      'Something happened to the record itself: a part of the store is older than the rest, a changed configuration was refused, or the store that gateways share cannot be asked.',
    query: 'kind:incident or action:(gateway.refuse_policy or gateway.lose_revocations or gateway.lose_store)',
    by: ['action'],
    severity: 'critical',
  },
  'missed-heartbeat': {
    title: 'Nothing was recorded for a while: the gateway stood still, the clock was set, or nothing could be written.',
    query: 'kind:pause',
    by: ['kind'],
    severity: 'high',
  },
  'sink-trouble': {
    title: 'A receiver does not take what it is sent.',
    query: 'action:(gateway.delay_notice or gateway.drop_notice or gateway.delay_feed or gateway.drop_feed)',
    by: [ownAttributes.sink],
    severity: 'high',
  },
  'not-cosigned': {
    title: 'The quorum of witnesses has not cosigned the log for some time.',
    query: 'action:gateway.lose_quorum',
    by: ['action'],
    severity: 'critical',
  },
  'witness-trouble': {
    title: 'A witness is missing, or has seen another log.',
    query: 'action:(gateway.lose_witness or gateway.dispute_log)',
    by: [ownAttributes.witness],
    severity: 'high',
  },
  'not-reconciled': {
    title: 'A target counts otherwise than what is recorded: something reached it another way, or was not done.',
    query: 'action:gateway.find_difference',
    by: [ownAttributes.target],
    severity: 'high',
  },
  'not-stamped': {
    title: 'The authority of timestamps has not stamped the log for some time.',
    query: 'action:gateway.lose_timestamps',
    by: ['action'],
    severity: 'high',
  },
  'root-key-lost': {
    title: 'The root key is not given to the gateway any more, and no new session is opened.',
    query: 'action:gateway.lose_root_key',
    by: ['action'],
    severity: 'critical',
  },
  'archive-behind': {
    title: 'The bucket has not got what is recorded for a while.',
    query: 'action:gateway.delay_archive',
    by: ['action'],
    severity: 'high',
  },
  'failed-sign-ins': {
    title: 'Logins from one address fail again and again.',
    query: `action:gateway.authenticate verdict:deny not ${lackedRole}`,
    count: 10,
    windowMs: 5 * minuteMs,
    by: ['address'],
    severity: 'medium',
  },
  'suspended-tries': {
    title: 'A suspended principal tries to come in.',
    query: `action:gateway.authenticate verdict:deny ${ownAttributes.reason}:*suspended*`,
    by: ['address'],
    severity: 'high',
  },
  'break-glass': {
    title: 'Somebody let a request of their own go on without its approval, in an emergency.',
    query: `kind:approval ${ownAttributes.approvalState}:granted ${ownAttributes.approvalBreakGlass}:*`,
    by: [ownAttributes.approvalBy],
    severity: 'high',
  },
  'unusual-reader': {
    title: 'Somebody reads recordings who did not for 30 days.',
    query: 'kind:access',
    by: ['principal'],
    severity: 'low',
    unseenMs: 30 * dayMs,
  },
  'policy-alert': {
    title: 'A policy with `@alert` was satisfied, or values went to a target for the first time although they came from another one.',
    query: 'kind:alert not action:gateway.*',
    by: ['policy', 'principal'],
    severity: null,
  },
};

/** The settings of a rule that says nothing of them. */
export const ruleDefaults = { count: 1, windowMs: hourMs, to: [], outside: null, unseenMs: null } as const;
