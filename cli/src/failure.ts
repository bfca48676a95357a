import { systemErrorWords } from '@countersign/gateway/store';

/** Describes an error in words. For an error of the operating system, the file is named. */
export function describeFailure(error: unknown): string {
  const refused = systemErrorWords(error);
  if (refused !== null && error instanceof Error && 'path' in error) {
    return `${String(error.path)}: ${refused}`;
  }
  return refused ?? (error instanceof Error ? error.message : String(error));
}
