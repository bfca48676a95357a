import { GatewayError } from '../domain/errors.ts';

const codes: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT']);

/** Returns GatewayError `cannot_record` for the system's error that a disk is full, and any other error as it is. */
export function sayFullDisk(error: unknown): unknown {
  return error instanceof Error && 'code' in error && codes.has(error.code)
    ? new GatewayError(
        'cannot_record',
        'The backup was not made: there is no space left on its disk, or on that of the data directory. Free space there and make it again.',
        {
          cause: error,
        },
      )
    : error;
}
