import { join } from 'node:path';
import type { OpenedStore } from '../recording/open-store.ts';
import type { Logger } from '../telemetry.ts';
import { dropCosignedAbove } from '../witnesses/cosigned-files.ts';
import type { Cosigning } from '../witnesses/cosigning.ts';
import { compareWithWitnesses } from '../witnesses/store-comparison.ts';

interface WitnessedStartParts {
  readonly data: string;
  readonly cosigning: Cosigning;
  readonly policy: Parameters<typeof compareWithWitnesses>[1];
  readonly mayRollBack: boolean;
  readonly log: Logger;
}

/** Compares the store of a start with what the witnesses have seen, and returns it with the loss that is to be declared. Rejects with GatewayError `store_rolled_back`. */
export async function compareStart(store: OpenedStore, { data, cosigning, policy, mayRollBack, log }: WitnessedStartParts): Promise<OpenedStore> {
  const { lostSize, disagreeing } = await compareWithWitnesses(cosigning, policy, { store: { ...store, data }, mayRollBack });
  for (const { name, why } of disagreeing) {
    log.warn({ witness: name }, `a witness has seen another log: ${why}`);
  }
  for (const { name, why } of cosigning.status.witnesses.filter(({ state }) => state === 'failing')) {
    log.warn({ witness: name }, `whether the store is older than the witness has seen is not known: ${why}`);
  }
  const { rollback } = store;
  if (rollback === null && lostSize === null) {
    return store;
  }
  dropCosignedAbove(join(data, 'log'), store.end.size);
  const records = lostSize === null ? (rollback?.records ?? null) : Math.max(lostSize, rollback?.records ?? 0);
  return { ...store, rollback: { records, key: rollback?.key ?? null } };
}
