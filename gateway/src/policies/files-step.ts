import { createHash } from 'node:crypto';
import { readPolicySources } from '../config/policies.ts';
import type { Step } from '../domain/step.ts';
import type { PolicyFile } from '../policy/candidate.ts';

/** Reads the files of a directory of policies, or the one file. Throws GatewayError `config_invalid`. */
export const step: Step<{ readonly path: string }, readonly PolicyFile[]> = {
  module: import.meta.url,
  take: ({ path }) => readPolicySources(path).map(({ file, text }) => ({ file, text, sha256: digestOf(text) })),
};

/** Returns the digest by which a text of a file is told from another. */
export function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
