import { errorCodes, GatewayError } from '../domain/errors.ts';
import type { SentError } from './questions.ts';

export function sendError(error: unknown): SentError {
  const { message, stack = message } = error instanceof Error ? error : new Error(String(error));
  return { code: error instanceof GatewayError ? error.code : null, message, stack };
}

export function receiveError({ code, message, stack }: SentError): Error {
  const known = errorCodes.find((each) => each === code);
  const error = known === undefined ? new Error(message) : new GatewayError(known, message);
  error.stack = stack;
  return error;
}
