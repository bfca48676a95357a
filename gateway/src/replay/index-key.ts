import { createHash } from 'node:crypto';

/** Keys may be as long as requests: this is what an index holds of one. */
export function indexKey(target: string, key: string): string {
  return createHash('sha256').update(`${target}\0${key}`).digest('base64');
}
