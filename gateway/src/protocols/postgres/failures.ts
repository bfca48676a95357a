import { countOf } from '../../domain/count-of.ts';
import { GatewayError, type ErrorCode } from '../../domain/errors.ts';
import { refusalOf, type Decision } from '../../domain/decision.ts';
import { errorResponse, noticeResponse } from './compose.ts';
import type { ErrorFields } from './messages.ts';

/** The SQLSTATEs of the gateway's errors. https://www.postgresql.org/docs/current/errcodes-appendix.html */
const sqlStates: Readonly<Record<ErrorCode, string>> = {
  config_invalid: 'F0000',
  unauthenticated: '28P01',
  sign_in_again: '28P01',
  issuer_unreachable: '57P03',
  store_unreachable: '57P03',
  throttled: '53300',
  unknown_target: '3D000',
  unknown_principal: '28P01',
  refused: '42501',
  held: '55000',
  target_unreachable: '08006',
  target_login_failed: '08006',
  target_tls_failed: '08006',
  target_refused_credential: '08006',
  cannot_record: '53100',
  catching_up: '57P03',
  halted: '57P01',
  stopping: '57P01',
  limit_exceeded: '54000',
  deadline_exceeded: '57P05',
  malformed: '08P01',
  unsupported: '0A000',
  not_upgraded: '0A000',
  not_found: '42704',
  not_recorded: 'P0002',
  conflict: '55006',
  store_damaged: '58030',
  store_rolled_back: '58030',
  store_in_use: '55006',
  storage_unavailable: '58030',
  key_unavailable: '58030',
};

/** An error after which the connection is closed without a message. PostgreSQL does the same if the peer is not, or no longer, one of its clients. */
export class Unanswered extends GatewayError {}

/** A login that the target or a recording refused. The client gets its SQLSTATE. */
export class TargetRefusal extends GatewayError {
  readonly sqlState: string;

  constructor(state: string | null, message: string) {
    super('target_login_failed', message);
    this.sqlState = state ?? sqlStates.target_login_failed;
  }
}

/** Returns the SQLSTATE in a message that `refusal` made. */
export function refusalState(words: Buffer): string {
  return /\0C([0-9A-Z]{5})\0M/.exec(words.toString('latin1'))?.[1] ?? sqlStates.refused;
}

/** The SQLSTATE of an error of the target; null if it gave no valid one. */
export function readSqlState(fields: ErrorFields): string | null {
  return /^[0-9A-Z]{5}$/.exec(fields.get('C') ?? '')?.[0] ?? null;
}

export function sqlState(error: GatewayError): string {
  return error instanceof TargetRefusal ? error.sqlState : sqlStates[error.code];
}

/** Makes the last message of a connection: one sentence, with the session's id if there is a session. */
export function fatal(error: GatewayError, session: string | null): Buffer {
  return errorResponse({ severity: 'FATAL', code: sqlState(error), message: sentence(error.message, session) });
}

/** The SQLSTATE of a request that its client cancelled. */
const cancelledState = '57014';

/**
 * Makes the message for a refused statement, and for one that is held and not waited for. The connection continues. About an approval, the detail is
 * `approval=ID state=STATE next=NEXT`. If the statement would run later, the hint says when.
 */
export function refusal(decision: Decision, session: string): Buffer {
  const error = refusalOf(decision);
  const { approval, retryAfterSeconds } = error;
  const message = sentence(error.message, session);
  if (approval === null) {
    const later = retryAfterSeconds === null ? {} : { hint: `Send the statement again after ${countOf(retryAfterSeconds, 'second')}.` };
    return errorResponse({ severity: 'ERROR', code: sqlState(error), message, ...later });
  }
  const hint = hints[approval.next];
  const detail = `approval=${approval.approval} state=${approval.state} next=${approval.next}`;
  return errorResponse({
    severity: 'ERROR',
    code: approval.state === 'withdrawn' ? cancelledState : sqlState(error),
    message,
    detail,
    ...(hint === undefined ? {} : { hint }),
  });
}

const hints: Readonly<Partial<Record<string, string>>> = {
  wait: 'Send the same statement again once it is granted; that lets it run, once.',
  resend: 'Send the same statement again: that lets it run, once.',
};

/** Makes the notice for a client whose statement waits for people. */
export function waitingNotice(words: string, session: string): Buffer {
  return noticeResponse({ severity: 'NOTICE', code: '00000', message: sentence(words, session) });
}

function sentence(message: string, session: string | null): string {
  const said = `countersign: ${message}`;
  return session === null ? said : `${said.replace(/\.$/, '')} (session ${session})`;
}
