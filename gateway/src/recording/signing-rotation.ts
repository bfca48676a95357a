import { formatVerifierKey } from '@countersign/ledger/format';
import { GatewayError } from '../domain/errors.ts';
import type { KeyStore } from './key-store.ts';
import { signingKeys } from './public-keys.ts';
import type { Recorder, SigningStep } from './recorder.ts';

export interface RotatedSigner {
  /** The verifier key that is in force now. */
  readonly vkey: string;
  /** The size of the log from which it signs. */
  readonly from: number;
  /** How many keys the log has had. */
  readonly keys: number;
}

interface SigningRotationParts {
  readonly keys: KeyStore;
  readonly recorder: Recorder;
  /** Runs an act while no backup is made of the keys. Absent: none is made. */
  readonly alone?: <T>(act: () => Promise<T>) => Promise<T>;
  /** Told of each step. */
  readonly onStep?: (step: SigningStep) => void;
}

/** Puts a new signing key in the place of the one before (docs/keys.md). */
export class SigningRotation {
  readonly #parts: SigningRotationParts;
  #isBusy = false;

  constructor(parts: SigningRotationParts) {
    this.#parts = parts;
  }

  /** Resolves when a checkpoint by the new key is published. Rejects with GatewayError `conflict`, `key_unavailable` or `cannot_record`. */
  async rotate(): Promise<RotatedSigner> {
    if (this.#isBusy) {
      throw new GatewayError('conflict', 'The signing key is being rotated. Wait for its end.');
    }
    const { keys, recorder, alone = async (act) => act(), onStep } = this.#parts;
    this.#isBusy = true;
    try {
      return await alone(async () => {
        const { listed } = await signingKeys(keys);
        const { first, key } = recorder.rotateSigner(listed, onStep);
        await recorder.publish();
        return { vkey: formatVerifierKey(key), from: first, keys: listed.length + 1 };
      });
    } finally {
      this.#isBusy = false;
    }
  }
}
