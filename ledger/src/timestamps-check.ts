/** The checkpoints of a store that an authority of timestamps has stamped (RFC 3161): each must be one of its log, and hold. */
import type { Certificate } from './certificate.ts';
import type { SigningKeys } from './keyring.ts';
import type { SeenTree } from './latest-times.ts';
import { MalformedError } from './malformed.ts';
import { noteBytesMax, parseNote } from './note.ts';
import { readWhole, type StoreFiles } from './store-files.ts';
import { checkNote, Expectation } from './store-trust.ts';
import { verifyTimestampLines } from './timestamp-line.ts';
import { orMalformedLater, type Findings } from './verdict.ts';

const timestampsPath = 'log/timestamps';
/** One an hour is kept for more than ten years. */
const timestampsMax = 100_000;
/** The clocks of authorities and verifiers may be so far apart, in ms. */
const apartMs = 86_400_000;

/** A checkpoint and the time at which it was there, in Unix ms by the clock of the authority. */
export interface StampedCheckpoint {
  readonly size: number;
  readonly timeMs: number;
  /** How exact the time is, as the authority says; 0 where it says nothing. */
  readonly accuracyMs: number;
  /** The common name of the signer; empty if its certificate has none. */
  readonly authority: string;
}

export interface TimestampsReport {
  /** Number of checkpoints with a timestamp. */
  readonly checkpoints: number;
  /** The newest whose timestamp holds; missing if there is none. */
  readonly newest?: StampedCheckpoint;
}

/** Adds what is wrong with the timestamps of a note, and returns the earliest of those that hold. */
export async function checkTimestamps(
  bytes: Uint8Array,
  { size, where, trusted, nowMs }: { readonly size: number; readonly where: string; readonly trusted: readonly Certificate[]; readonly nowMs: number },
  findings: Findings,
): Promise<StampedCheckpoint | undefined> {
  const held: StampedCheckpoint[] = [];
  for (const outcome of await verifyTimestampLines(parseNote(bytes), trusted)) {
    if (!outcome.holds) {
      findings.add(outcome.code, where, outcome.why);
    } else if (outcome.info.timeMs > nowMs + apartMs) {
      findings.add('trust', where, 'the timestamp is of a time that has not come: the clock of its authority is wrong, or that of this machine');
    } else {
      const { timeMs, accuracyMs, authority } = outcome.info;
      held.push({ size, timeMs, accuracyMs, authority });
    }
  }
  return held.toSorted((a, b) => a.timeMs - b.timeMs)[0];
}

export class TimestampsCheck {
  readonly expectations: readonly Expectation[];
  readonly report: TimestampsReport | undefined;
  /** The checkpoints whose timestamps hold. */
  readonly times: readonly SeenTree[];

  private constructor(expectations: readonly Expectation[], report: TimestampsReport | undefined, times: readonly SeenTree[]) {
    this.expectations = expectations;
    this.report = report;
    this.times = times;
  }

  /** Reads the stamped checkpoints and checks them; their timestamps where `trusted` is given. The caller compares the journal with `expectations`. */
  static async open(
    files: StoreFiles,
    { keys, trusted, nowMs }: { readonly keys: SigningKeys; readonly trusted: readonly Certificate[] | undefined; readonly nowMs: number },
    findings: Findings,
  ): Promise<TimestampsCheck> {
    const expectations: Expectation[] = [];
    let newest: TimestampsReport['newest'];
    const times: SeenTree[] = [];
    for (const path of await listStamped(files, findings)) {
      const bytes = await orMalformedLater(findings, path, async () => readWhole(files, path, noteBytesMax));
      const checkpoint = bytes && (await checkNote(bytes, path, keys, findings));
      if (bytes === undefined || checkpoint === undefined) {
        continue;
      }
      expectations.push(new Expectation(checkpoint, path, { differs: 'integrity', missing: 'completeness' }, findings));
      const stamped = trusted && (await checkTimestamps(bytes, { size: checkpoint.size, where: path, trusted, nowMs }, findings));
      if (stamped !== undefined) {
        times.push(stamped);
        newest = stamped.size > (newest?.size ?? -1) ? stamped : newest;
      }
    }
    const report = trusted && { checkpoints: expectations.length, ...(newest === undefined ? {} : { newest }) };
    return new TimestampsCheck(expectations, report, times);
  }

  /** Adds the findings about the newest: there must be one if authorities are given, and it must not be older than `maxAgeMs`. */
  finish(nowMs: number, maxAgeMs: number | undefined, findings: Findings): void {
    if (this.report === undefined) {
      return;
    }
    const { newest } = this.report;
    if (newest === undefined) {
      findings.add('trust', timestampsPath, 'no checkpoint has a timestamp by a trusted authority');
    } else if (maxAgeMs !== undefined && nowMs - newest.timeMs > maxAgeMs) {
      findings.add('trust', timestampsPath, 'the newest timestamp is older than allowed');
    }
  }
}

async function listStamped(files: StoreFiles, findings: Findings): Promise<readonly string[]> {
  const names = await orMalformedLater(findings, timestampsPath, async () => {
    const found = (await files.list(timestampsPath)).filter((name) => /^[0-9]+$/.test(name));
    if (found.length > timestampsMax) {
      throw new MalformedError(`more than ${timestampsMax} timestamps`);
    }
    return found;
  });
  return (names ?? []).map((name) => `${timestampsPath}/${name}`);
}
