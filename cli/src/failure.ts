import { systemErrorWords } from '@countersign/gateway/store';

/** Says in words what went wrong. An error of the operating system is named with the file that it is about. */
export function describeFailure(error: unknown): string {
  const refused = systemErrorWords(error);
  if (refused !== null && error instanceof Error && 'path' in error) {
    return `${String(error.path)}: ${refused}`;
  }
  return refused ?? (error instanceof Error ? error.message : String(error));
}
