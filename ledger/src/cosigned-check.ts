/** The cosigned checkpoints of a store: each must be one of its log, and meet the policy of witnesses where one is given. */
import type { SigningKeys } from './keyring.ts';
import type { SeenTree } from './latest-times.ts';
import { MalformedError } from './malformed.ts';
import { noteBytesMax } from './note.ts';
import { readWhole, type StoreFiles } from './store-files.ts';
import { checkNote, Expectation } from './store-trust.ts';
import { orMalformedLater, type Findings } from './verdict.ts';
import { policyHolds, type WitnessPolicy } from './witness-policy.ts';

/** The newest cosigned checkpoint, and the directory of those that are kept. */
const cosignedPath = 'log/cosigned';
const keptPath = 'log/cosigned.kept';
/** One is kept each day, and one for each deletion. */
const keptMax = 20_000;

/** The result of a policy of witnesses on a store. */
export interface CosignedReport {
  /** Number of cosigned checkpoints. */
  readonly checkpoints: number;
  /** The newest that meets the quorum; missing if there is none. */
  readonly newest?: {
    readonly size: number;
    /** Unix ms by the clocks of the witnesses: at that time or later a quorum knew no larger log. Null if the policy asks for no witness. */
    readonly quorumMs: number | null;
    /** The witnesses that cosigned it, by their names in the policy. */
    readonly witnesses: readonly string[];
  };
}

export class CosignedCheck {
  readonly expectations: readonly Expectation[];
  readonly report: CosignedReport | undefined;
  /** The checkpoints that meet the quorum, by the clocks of its witnesses. */
  readonly times: readonly SeenTree[];

  private constructor(expectations: readonly Expectation[], report: CosignedReport | undefined, times: readonly SeenTree[]) {
    this.expectations = expectations;
    this.report = report;
    this.times = times;
  }

  /** Reads the cosigned checkpoints, and checks their signatures. The caller compares the journal with `expectations`. */
  static async open(files: StoreFiles, keys: SigningKeys, policy: WitnessPolicy | undefined, findings: Findings): Promise<CosignedCheck> {
    const expectations: Expectation[] = [];
    let newest: CosignedReport['newest'];
    const times: SeenTree[] = [];
    let checkpoints = 0;
    for (const path of await listCosigned(files, findings)) {
      const bytes = await orMalformedLater(findings, path, async () => readWhole(files, path, noteBytesMax));
      const checkpoint = bytes && (await checkNote(bytes, path, keys, findings));
      if (bytes === undefined || checkpoint === undefined) {
        continue;
      }
      checkpoints += 1;
      expectations.push(new Expectation(checkpoint, path, { differs: 'integrity', missing: 'completeness' }, findings));
      const outcome = policy && (await policyHolds(bytes, policy, keys));
      if (outcome?.holds === false) {
        findings.add(outcome.forged.length > 0 ? 'integrity' : 'trust', path, outcome.why);
        continue;
      }
      if (typeof outcome?.quorumMs === 'number') {
        times.push({ size: checkpoint.size, timeMs: outcome.quorumMs });
      }
      if (outcome !== undefined && checkpoint.size > (newest?.size ?? -1)) {
        newest = { size: checkpoint.size, quorumMs: outcome.quorumMs, witnesses: outcome.witnessed.map(({ name }) => name) };
      }
    }
    const report = policy && { checkpoints, ...(newest === undefined ? {} : { newest }) };
    return new CosignedCheck(expectations, report, times);
  }

  /** Adds the findings about the newest: there must be one if the policy asks for witnesses, and it must not be older than `maxAgeMs`. */
  finish(policy: WitnessPolicy | undefined, nowMs: number, maxAgeMs: number | undefined, findings: Findings): void {
    if (policy === undefined || policy.quorum === null) {
      return;
    }
    const { newest } = this.report ?? {};
    if (newest === undefined) {
      findings.add('trust', cosignedPath, 'no checkpoint was cosigned by the quorum of the policy');
    } else if (maxAgeMs !== undefined && nowMs - (newest.quorumMs ?? 0) > maxAgeMs) {
      findings.add('trust', cosignedPath, 'the newest checkpoint that the quorum cosigned is older than allowed');
    }
  }
}

async function listCosigned(files: StoreFiles, findings: Findings): Promise<readonly string[]> {
  const names = await orMalformedLater(findings, keptPath, async () => {
    const found = (await files.list(keptPath)).filter((name) => /^[0-9]+$/.test(name));
    if (found.length > keptMax) {
      throw new MalformedError(`more than ${keptMax} cosigned checkpoints`);
    }
    return found;
  });
  return [cosignedPath, ...(names ?? []).map((name) => `${keptPath}/${name}`)];
}
