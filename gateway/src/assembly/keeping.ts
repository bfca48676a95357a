import { randomBytes } from 'node:crypto';
import { describeBackups } from '../recording/backup-notes.ts';
import type { FindSecrets } from '../recording/found-secrets.ts';
import type { KeyStore } from '../recording/key-store.ts';
import type { Recorder } from '../recording/recorder.ts';
import { describeEscrow } from '../recording/root-secret/escrow.ts';
import type { Reader } from '../reader/reader.ts';
import type { ErasingParts } from '../retention/erase-query.ts';
import { Erasures } from '../retention/erasures.ts';
import { Holds } from '../retention/holds.ts';
import { KeepingInForce } from '../retention/keeping-in-force.ts';
import { keepThenDestroy } from '../retention/lengthen.ts';
import type { RetentionSettings } from '../retention/retention-rules.ts';
import { RetentionRun } from '../retention/retention-run.ts';
import { SecretWraps } from '../retention/secret-wraps.ts';
import { WaitingErasures } from '../retention/waiting-erasures.ts';
import type { Timestamping } from '../timestamps/timestamping.ts';
import type { Cosigning } from '../witnesses/cosigning.ts';
import { requireCosigned } from './cosigned-erasures.ts';
import { recordRefusedRetention } from './refused-retention.ts';

interface KeepingParts {
  readonly data: string;
  readonly settings: RetentionSettings;
  readonly recorder: Recorder;
  readonly keys: KeyStore;
  readonly reader: Reader;
  /** Null: no witness must have seen that keys are to be destroyed. */
  readonly cosigning: Cosigning | null;
  readonly timestamping: Timestamping | null;
  readonly now: () => number;
  /** Returns what logs that something could not be done. */
  readonly trouble: (what: string) => (error: unknown) => void;
}

/** Keeps what is recorded, and destroys it when it may go. */
export interface Keeping {
  /** The classes of the configuration, by which new records are sealed. */
  readonly inForce: KeepingInForce;
  readonly holds: Holds;
  readonly erasures: Erasures;
  /** The run of each day. It does nothing before `begin`. */
  readonly run: RetentionRun;
  readonly erasing: ErasingParts;
  readonly waiting: WaitingErasures;
}

/** Opens it, and goes on with the erasures that an earlier gateway began. What must end with the gateway is added to `owned`. */
export function openKeeping(
  owned: AsyncDisposableStack,
  { data, settings, recorder, keys, reader, cosigning, timestamping, now, trouble }: KeepingParts,
): Keeping {
  const inForce = new KeepingInForce(keys, recorder, settings);
  const classes = (): KeepingInForce['classes'] => inForce.classes;
  const wraps = new SecretWraps({ recorder, keys });
  const findSecrets: FindSecrets = (wanted) => reader.secrets(wanted);
  const erasures = new Erasures({
    recorder,
    keys,
    confirm: async (checkpoint) => requireCosigned(cosigning, checkpoint),
    keptByHolds: async (secrets) => holds.keptOf(secrets),
    forget: async (from) => reader.dropErased(from),
    copies: () => [...describeBackups(keys.backups.all()), ...describeEscrow(data)],
    onStep: (step) => {
      if (step === 'confirmed') {
        timestamping?.hurry();
      }
    },
  });
  const holds: Holds = owned.use(
    new Holds({
      recorder,
      keys,
      wraps,
      findSecrets,
      destroy: async (key, { by: { id, ...person }, reason }) => {
        await erasures.erase({ cause: 'released', keys: [key], secrets: [], why: { by: id, ...person, reason } });
      },
      now,
      onTrouble: trouble('keep what holds keep'),
    }),
  );
  const onRefused = (error: unknown): void => {
    trouble('delete what has expired')(error);
    try {
      recordRefusedRetention(recorder, error);
    } catch (failure) {
      trouble('record that nothing was deleted')(failure);
    }
  };
  if (recorder.erasures.length > 0) {
    // The index may be behind, and witnesses may take long, or be missing: then a run goes on with it.
    void holds.whileCovered(async () => erasures.resume()).catch(onRefused);
  }
  const run = owned.use(
    new RetentionRun({
      recorder,
      keys,
      erasures,
      keepThenDestroy: async (expired, destroy) => keepThenDestroy(expired, destroy, { keys, holds, wraps, findSecrets, classes, now }),
      now,
      onRefused,
    }),
  );
  const erasing: ErasingParts = { recorder, keys, holds, erasures, findErasable: async (wanted) => reader.erasable(wanted), findSecrets, classes, now };
  const waiting = new WaitingErasures({ rows: keys.waitingErasures, log: recorder, newId: () => `er_${randomBytes(8).toString('hex')}`, now });
  return { inForce, holds, erasures, run, erasing, waiting };
}
