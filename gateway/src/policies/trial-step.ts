import { GatewayError } from '../domain/errors.ts';
import type { Step } from '../domain/step.ts';
import type { ShownRecord } from '../feed/shown-record.ts';
import type { ChangedVerdict, TrialCounts } from '../policy/candidate.ts';
import { ChangedVerdicts } from './changed-verdicts.ts';
import { policyOf, type PolicyGrounds } from './policy-step.ts';
import { PolicyTrial, type TrialDirectory } from './policy-trial.ts';
import type { CaseDirectory } from './policy-cases.ts';

/** The beginning of a trial; lines of JSON, each a `ShownRecord`; with `begins`, the first of the next session. */
type TrialInput =
  | { readonly grounds: PolicyGrounds; readonly directory: TrialDirectory & Pick<CaseDirectory, 'groups'>; readonly isPartial: boolean }
  | { readonly begins: boolean; readonly body: Uint8Array };

interface TrialOutput {
  /** The groups that have grown, as they are now. */
  readonly groups: readonly ChangedVerdict[];
  readonly changed: number;
  readonly counts: TrialCounts;
}

/** The trial of this thread. A thread has one, and ends with it. */
let running: { readonly trial: PolicyTrial; readonly changed: ChangedVerdicts } | null = null;

/** Decides recorded requests again by policies that are not in force. It runs in a thread of its own, which keeps the trial. Throws GatewayError `config_invalid`. */
export const step: Step<TrialInput, TrialOutput> = {
  module: import.meta.url,
  take: (input) => {
    if ('grounds' in input) {
      const { grounds, directory, isPartial } = input;
      running = { trial: new PolicyTrial(directory, policyOf(grounds, directory.groups), { isPartial }), changed: new ChangedVerdicts() };
    }
    if (running === null) {
      throw new GatewayError('deadline_exceeded', 'The trial waited too long for its next records. Try again.');
    }
    const { trial, changed } = running;
    const grown = new Map<string, ChangedVerdict>();
    if ('body' in input) {
      if (input.begins) {
        trial.begin();
      }
      for (const line of Buffer.from(input.body).toString().split('\n')) {
        const record: ShownRecord | null = line === '' ? null : JSON.parse(line);
        const found = record === null ? null : trial.take(record);
        const group = found === null ? null : changed.add(found);
        if (group !== null) {
          grown.set(keyOf(group), group);
        }
      }
    }
    return { groups: [...grown.values()], changed: changed.requests, counts: trial.counts };
  },
};

function keyOf({ record: _record, time: _time, requests: _requests, ...same }: ChangedVerdict): string {
  return JSON.stringify(same);
}
