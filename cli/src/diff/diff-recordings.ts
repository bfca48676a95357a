import { compareSteps, readSteps } from '@countersign/gateway/comparison';
import { RecordingSource, type RecordingOptions } from '../recording-source.ts';
import type { RowOptions } from '../rows.ts';
import { printJson } from '../terminal.ts';
import { describeComparison } from './describe.ts';

/** Prints where two recordings differ. The exit code is 0 if they are the same, 1 if they differ. */
export async function diffRecordings(a: string, b: string, options: RecordingOptions & RowOptions): Promise<void> {
  await using source = new RecordingSource(options);
  const steps = compareSteps(await readSteps(source.records(a)), await readSteps(source.records(b)));
  process.exitCode = steps.every(({ change }) => change === 'same') ? 0 : 1;
  if (options.json === true) {
    steps.forEach(printJson);
  } else {
    for (const line of describeComparison(steps)) {
      console.log(line);
    }
  }
}
