import { reasonOf } from './tls.ts';

const dialFailures: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused',
  ENOTFOUND: 'the name cannot be resolved',
  EAI_AGAIN: 'the name cannot be resolved now',
  EHOSTUNREACH: 'there is no route to it',
  ENETUNREACH: 'there is no route to it',
  ETIMEDOUT: 'no answer',
  ECONNRESET: 'it closed the connection',
  ELINKLOCAL: 'its name leads to an address of the link, and such are dialled only with the option linkLocal',
};

/** Describes in a few words why a connection failed. */
export function dialFailure(error: Error & { readonly code?: string }): string {
  return dialFailures[error.code ?? ''] ?? (error.code === undefined || error.code === '' ? reasonOf(error) : error.code);
}
