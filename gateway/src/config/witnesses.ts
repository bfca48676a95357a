import { existsSync, readFileSync } from 'node:fs';
import { MalformedError, parseWitnessPolicy, type WitnessPolicy } from '@countersign/ledger';
import { isQuorum } from '@countersign/ledger/format';
import { systemErrorWords } from '../store/system-error.ts';

/** Reads the policy of witnesses that the configuration names. Null if it is not there, or if `wrong` was told what is wrong with it. */
export function readWitnessPolicy(file: string, wrong: (message: string) => void): WitnessPolicy | null {
  if (!existsSync(file)) {
    return null;
  }
  try {
    const policy = parseWitnessPolicy(readFileSync(file));
    const asked = policy.witnesses.filter(({ url }) => url !== null).map(({ name }) => name);
    if (!isQuorum(policy, new Set(asked))) {
      wrong(`${file}: the quorum ${policy.quorum ?? ''} can never be met: a witness is asked only if its line ends in the URL at which it is`);
    }
    return policy;
  } catch (cause) {
    const words = cause instanceof MalformedError ? cause.message : systemErrorWords(cause);
    if (words === null) {
      throw cause;
    }
    wrong(`${file}: ${words}`);
    return null;
  }
}
