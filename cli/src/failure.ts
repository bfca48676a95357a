import { systemErrorWords } from '@countersign/gateway/store';

/** What went wrong in words: what the operating system refused is said with the file that it was about. */
export function describeFailure(error: unknown): string {
  const refused = systemErrorWords(error);
  if (refused !== null && error instanceof Error && 'path' in error) {
    return `${String(error.path)}: ${refused}`;
  }
  return refused ?? (error instanceof Error ? error.message : String(error));
}
