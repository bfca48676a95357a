import { recordRootKey, recordSigningKey } from '../../api/key-records.ts';
import type { KeyStore } from '../../recording/key-store.ts';
import type { Recorder } from '../../recording/recorder.ts';
import { LocalProvider } from '../../recording/root-secret/local-provider.ts';
import { RootRotation } from '../../recording/root-secret/root-rotation.ts';
import { SigningRotation } from '../../recording/signing-rotation.ts';
import { openRecorder } from '../../recording/testdata/open-recorder.ts';
import { Erasures, type ErasureStep } from '../erasures.ts';
import { Holds, type HoldPerson } from '../holds.ts';
import { SecretWraps } from '../secret-wraps.ts';
import { WaitingErasures } from '../waiting-erasures.ts';
import { oldKey, recordSession } from './open-erasures.ts';

const ann: HoldPerson = { id: 'ann', onBehalfOf: null, address: '127.0.0.1' };
const bob: HoldPerson = { ...ann, id: 'bob' };
const wanted = { query: 'principal:bot', reason: 'request' };

interface OpenedTold {
  readonly recorder: Recorder;
  readonly keys: KeyStore;
  readonly holds: Holds;
  readonly erasures: Erasures;
  readonly waiting: WaitingErasures;
}

/** A store with what records acts in it of which the key store notes that they are on record. */
export async function openTold(data: string, onStep: (step: ErasureStep) => void = () => undefined): Promise<OpenedTold> {
  const { recorder, keys } = await openRecorder(data);
  const erasures = new Erasures({ recorder, keys, forget: () => Promise.resolve(), onStep });
  const holds = new Holds({
    recorder,
    keys,
    wraps: new SecretWraps({ recorder, keys }),
    // The store has nothing that a hold keeps.
    findSecrets: async function* () {},
    destroy: async (key, { reason }) => {
      await erasures.erase({ cause: 'released', keys: [key], secrets: [], why: { reason } });
    },
    now: Date.now,
    onTrouble: (error) => {
      throw error;
    },
  });
  return { recorder, keys, holds, erasures, waiting: new WaitingErasures({ rows: keys.waitingErasures, log: recorder, newId: () => 'er_1', now: Date.now }) };
}

/** An act: what comes before it, the act, how the next start goes on with it, and what its one record is. */
interface ToldAct {
  readonly before: (told: OpenedTold, data: string) => Promise<unknown>;
  readonly act: (told: OpenedTold) => Promise<unknown>;
  readonly goOn: (told: OpenedTold) => Promise<unknown>;
  readonly kind: string;
  /** A text in the body of the record, as far as that is not sealed. */
  readonly body: string;
}

async function confirm({ waiting, erasures }: OpenedTold): Promise<void> {
  await waiting.confirm('er_1', bob, async (_erasure, onAnnounced) => {
    await erasures.erase({ cause: 'erased', keys: [], secrets: [[oldKey, 1]], why: wanted, onAnnounced });
  });
}

export const toldActs: Readonly<Record<string, ToldAct>> = {
  'set a hold': {
    before: async () => Promise.resolve(),
    act: async ({ holds }) => holds.create(ann, { ...wanted, matter: 'case' }),
    goOn: async ({ holds }) => holds.whileCovered(async () => Promise.resolve()),
    kind: 'hold',
    body: '"create"',
  },
  'release a hold': {
    before: async ({ holds }) => holds.create(ann, { ...wanted, matter: 'case' }),
    act: async ({ holds }) => holds.release(bob, { matter: 'case', reason: 'over' }),
    goOn: async ({ holds }) => {
      holds.begin();
      await holds[Symbol.asyncDispose]();
    },
    kind: 'hold',
    body: '"release"',
  },
  'confirm an erasure': {
    before: async ({ recorder, waiting }) => {
      recordSession(recorder, 'apple');
      await recorder.publish();
      waiting.keep(waiting.ask(ann, { ...wanted, facts: false }));
    },
    act: confirm,
    goOn: async (told) => {
      // Somebody confirms it again, which carries it out or finds that it was.
      await told.erasures.resume();
      await confirm(told).catch((error: unknown) => {
        if (!(error instanceof Error && 'code' in error && error.code === 'not_found')) {
          throw error;
        }
      });
    },
    kind: 'erasure',
    body: '"intent","cause"',
  },
  'put another root secret into force': {
    before: async ({ recorder, keys }, data) => {
      const provider = LocalProvider.readDefault(data, {}, false);
      await new RootRotation({ keys, recorder, provider, share: async () => {}, escrow: async () => {}, now: Date.now }).rotate();
    },
    act: async ({ recorder, keys }) => recordRootKey(recorder, keys),
    goOn: async ({ recorder, keys }) => recordRootKey(recorder, keys),
    kind: 'event',
    body: '',
  },
  'put another signing key into force': {
    before: async ({ recorder, keys }) => new SigningRotation({ keys, recorder }).rotate(),
    act: async ({ recorder, keys }) => recordSigningKey(recorder, keys),
    goOn: async ({ recorder, keys }) => recordSigningKey(recorder, keys),
    kind: 'event',
    body: '',
  },
};
