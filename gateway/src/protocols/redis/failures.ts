import type { ErrorCode, GatewayError } from '../../domain/errors.ts';
import { countOf } from '../../domain/count-of.ts';
import { line } from './compose.ts';

/** The words with which errors of Redis begin, where it has one for what happened. */
const prefixes: Readonly<Partial<Record<ErrorCode, string>>> = {
  unauthenticated: 'WRONGPASS',
  sign_in_again: 'WRONGPASS',
  unknown_principal: 'WRONGPASS',
  refused: 'NOPERM',
  held: 'NOPERM',
  catching_up: 'LOADING',
};

/** Makes the error that a client gets: one sentence, with the session's id if there is a session, and with what to do about an approval. */
export function failure(error: Pick<GatewayError, 'code' | 'message' | 'approval' | 'retryAfterSeconds'>, session: string | null): Buffer {
  const { approval, retryAfterSeconds } = error;
  const more = [
    ...(session === null ? [] : [`session ${session}`]),
    ...(approval === null ? [] : [`approval=${approval.approval} state=${approval.state} next=${approval.next}`]),
    ...(retryAfterSeconds === null ? [] : [`send it again after ${countOf(retryAfterSeconds, 'second')}`]),
  ];
  const words = more.length === 0 ? error.message : `${error.message.replace(/\.$/, '')} (${more.join('; ')})`;
  return line('-', `${prefixes[error.code] ?? 'ERR'} countersign: ${words}`);
}

/** Returns the word with which an error begins, as `WRONGTYPE`; null if it has none. */
export function errorWord(text: string): string | null {
  return /^[A-Z][A-Z0-9_]{1,40}(?= |$)/.exec(text)?.[0] ?? null;
}
