import { countOf } from '../../domain/count-of.ts';
import type { ErrorCode, GatewayError } from '../../domain/errors.ts';
import { composeError } from './answer.ts';

interface Code {
  readonly code: number;
  readonly state: string;
}

const accessDenied: Code = { code: 1045, state: '28000' };
const notAllowed: Code = { code: 1227, state: '42000' };
const gone: Code = { code: 1053, state: '08S01' };
const other: Code = { code: 1105, state: 'HY000' };

/** The errors of MySQL that say most nearly what happened. https://mariadb.com/kb/en/mariadb-error-code-reference/ */
const codes: Readonly<Partial<Record<ErrorCode, Code>>> = {
  unauthenticated: accessDenied,
  sign_in_again: accessDenied,
  unknown_principal: accessDenied,
  unknown_target: { code: 1049, state: '42000' },
  refused: notAllowed,
  held: notAllowed,
  halted: gone,
  stopping: gone,
  malformed: { code: 1835, state: 'HY000' },
  unsupported: { code: 1235, state: '42000' },
};

/** Returns the payload of the error that a client gets: one sentence, with the session's id if there is a session, and with what to do about an approval. */
export function failure(error: Pick<GatewayError, 'code' | 'message' | 'approval' | 'retryAfterSeconds'>, session: string | null): Buffer {
  const { approval, retryAfterSeconds } = error;
  const more = [
    ...(session === null ? [] : [`session ${session}`]),
    ...(approval === null ? [] : [`approval=${approval.approval} state=${approval.state} next=${approval.next}`]),
    ...(retryAfterSeconds === null ? [] : [`send it again after ${countOf(retryAfterSeconds, 'second')}`]),
  ];
  const words = more.length === 0 ? error.message : `${error.message.replace(/\.$/, '')} (${more.join('; ')})`;
  return composeError({ ...(codes[error.code] ?? other), message: Buffer.from(`countersign: ${words}`) });
}
