import type { Obligation } from '../domain/decision.ts';
import { suggest } from '../domain/suggest.ts';
import { isMask, readMaskText } from './mask-text.ts';

/** The meaning of a policy's annotations. */
export interface Annotated {
  /** The second part of the policy's id. */
  readonly id: string | null;
  readonly reason: string | null;
  /** The groups of whom one each must approve. Empty: nobody has to. */
  readonly approval: readonly string[];
  /** The group whose members may let a request of their own go on without the approval, in an emergency. Null: nobody may. */
  readonly breakGlass: string | null;
  /** The obligations of a request to which the policy applies. */
  readonly obligations: readonly Obligation[];
  /** Says whether a permit has the content of its requests recorded, or only their facts. */
  readonly record: 'content' | 'facts';
  /** True if the policy is only observed: what it would have decided is recorded, and not done. */
  readonly isObserved: boolean;
}

/** The annotations that policies may have, each with an example of its value and what it means. */
export const annotationForms = {
  id: ['read-only', 'the name of the policy in records, after that of its file'],
  reason: ['Agents only read here.', 'what the one who asked is told'],
  approval: ['dba', 'on a forbid: hold until somebody of the group has granted it'],
  breakglass: ['oncall', 'beside @approval: who of the group may go on at once in an emergency'],
  limit: ['rows 10000 per 1h', 'on a permit: requests, rows, bytes, tokens or sessions per time'],
  alert: ['high', 'an alert on record: info, low, medium, high or critical'],
  mask: ['email, card:last4', 'on a permit: values of these classes do not reach the client'],
  mask_request: ['email:pseudonym', 'on a permit: values of these classes do not reach the target'],
  mode: ['observe', 'what it would have decided is recorded, and not done'],
  record: ['facts', 'on a permit: only the facts are recorded, and not the content'],
} as const;

const known = Object.keys(annotationForms);

const recorded = ['content', 'facts'] as const;

const name = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
const severities = ['info', 'low', 'medium', 'high', 'critical'];
const limited = ['requests', 'rows', 'bytes', 'tokens', 'sessions'];
const limit = /^(requests|rows|bytes|tokens|sessions) ([1-9]\d{0,14}) per ([1-9]\d{0,5})(s|m|h|d)$/;
const secondsOf: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };
/** The longest window of a limit: a week. */
const windowSecondsMax = 7 * 86_400;

/** A fault of one annotation. */
interface AnnotationFault {
  /** The name of the annotation. */
  readonly key: string;
  readonly message: string;
}

/** Reads the annotations of a policy. Returns what is wrong, if something is. */
export function readAnnotations(annotations: Readonly<Record<string, string | null>>, effect: 'permit' | 'forbid'): Annotated | AnnotationFault {
  if (annotations['breakglass'] !== undefined && annotations['approval'] === undefined) {
    return { key: 'breakglass', message: '@breakglass belongs to a forbid with @approval: it says who may go on without it in an emergency' };
  }
  for (const [key, value] of Object.entries(annotations)) {
    const message = faultOf(key, value ?? '', effect);
    if (message !== null) {
      return { key, message };
    }
  }
  const { id = null, reason = null, approval, breakglass: breakGlass = null, alert, mode, record } = annotations;
  const obligations: Obligation[] = [];
  const asked = limit.exec(annotations['limit'] ?? '');
  if (asked !== null) {
    const [, what = '', most = '', count = '', unit = ''] = asked;
    obligations.push({ kind: 'limit', parameters: { what, most, seconds: String(Number(count) * (secondsOf[unit] ?? 0)) } });
  }
  if (typeof alert === 'string') {
    obligations.push({ kind: 'alert', parameters: { severity: alert } });
  }
  for (const [kind, classes] of Object.entries(annotations)) {
    if (isMask(kind) && classes !== null) {
      obligations.push({ kind, parameters: { classes } });
    }
  }
  return {
    id,
    reason,
    breakGlass,
    approval: approval?.split(',').map((group) => group.trim()) ?? [],
    obligations,
    record: record === 'facts' ? 'facts' : 'content',
    isObserved: mode === 'observe',
  };
}

/** Returns the question whether another unit was meant, if that is the fault. */
function limitHint(value: string): string {
  const [what = ''] = value.split(' ', 1);
  const meant = suggest(what, limited);
  return meant === null || meant === what ? '' : `: is ${JSON.stringify(meant)} meant?`;
}

function faultOf(key: string, value: string, effect: 'permit' | 'forbid'): string | null {
  switch (key) {
    case 'id':
      return name.test(value) ? null : '@id is 1 to 63 letters, digits, dots, dashes and underscores';
    case 'reason':
      return value.length > 0 && value.length <= 1000 ? null : '@reason is one sentence of at most 1000 characters, for the one who asked';
    case 'approval':
      if (effect === 'permit') {
        return '@approval belongs to a forbid: it forbids until the group has approved';
      }
      return value.split(',').every((group) => name.test(group.trim()))
        ? null
        : '@approval names the group that approves, or several with commas: @approval("dba")';
    case 'breakglass':
      return name.test(value) ? null : '@breakglass names one group, whose members may go on without the approval in an emergency: @breakglass("oncall")';
    case 'limit': {
      if (/^\w+ 0+ per /.test(value)) {
        return '@limit of 0 would deny everything: write a forbid with a @reason in its place';
      }
      const [, , , count = '', unit = ''] = limit.exec(value) ?? [];
      const seconds = Number(count) * (secondsOf[unit] ?? 0);
      return seconds > 0 && seconds <= windowSecondsMax
        ? null
        : `@limit is "WHAT NUMBER per TIME": requests, rows, bytes, tokens or sessions, for instance "rows 10000 per 1h", at most per 7d${limitHint(value)}`;
    }
    case 'alert':
      return severities.includes(value) ? null : `@alert is one of ${severities.join(', ')}`;
    case 'mask':
    case 'mask_request': {
      const read = readMaskText(key, value);
      return typeof read === 'string' ? read : null;
    }
    case 'mode':
      return value === 'observe' || value === 'enforce' ? null : '@mode is "observe" or "enforce"';
    case 'record': {
      if (effect === 'forbid') {
        return '@record belongs to a permit: it says what is recorded of the requests that the permit allows. Write it on the permit';
      }
      const meant = suggest(value, recorded);
      return recorded.some((each) => each === value) ? null : `@record is "facts" or "content"${meant === null ? '' : `: is ${JSON.stringify(meant)} meant?`}`;
    }
    default:
      return `@${key} is not known here; known are ${known.map((each) => `@${each}`).join(', ')}`;
  }
}
