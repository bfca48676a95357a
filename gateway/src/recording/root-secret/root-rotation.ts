import { createSecretKey, type KeyObject } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { GatewayError } from '../../domain/errors.ts';
import type { KeyStore } from '../key-store.ts';
import type { Recorder } from '../recorder.ts';
import type { EscrowedRoot } from './escrow.ts';
import { newRoot } from './open-root.ts';
import type { RootProvider } from './provider.ts';

/** While class keys are announced, others may come into use. After so many attempts it is given up. */
const attemptsMax = 10;
/** Class keys that are wrapped in one turn of the event loop, so that no client waits long for it. */
const keysPerTurn = 50;

/** The steps of a rotation, in order. A process may end after each of them. */
type RotationStep = 'expected' | 'announced' | 'rewrapped';

interface RotationParts {
  readonly keys: KeyStore;
  readonly recorder: Recorder;
  readonly provider: RootProvider;
  /** Gives a root secret to the threads that have opened the key store. Resolves when they have it. */
  readonly share: (next: KeyObject) => Promise<void>;
  /** Puts a root secret in escrow before it is in force. */
  readonly escrow: (root: EscrowedRoot) => Promise<void>;
  readonly now: () => number;
  /** Told of each step. */
  readonly onStep?: (step: RotationStep) => void;
}

export interface RotatedRoot {
  /** The number of the root secret that is in force now. */
  readonly root: number;
  readonly provider: string;
  /** How many class keys it wraps. */
  readonly classKeys: number;
}

/**
 * Puts a new root secret in the place of the one before. The class keys are wrapped anew and nothing that was recorded is sealed anew. The log announces the
 * wrapped keys before they are in the key store, so that both verify after a crash, with the root secret of before or the new one.
 */
export class RootRotation {
  readonly #parts: RotationParts;
  #isBusy = false;

  constructor(parts: RotationParts) {
    this.#parts = parts;
  }

  get provider(): string {
    return this.#parts.provider.name;
  }

  /** Rejects with GatewayError `conflict`, `key_unavailable` or `cannot_record`; then the root secret of before is in force. */
  async rotate(): Promise<RotatedRoot> {
    if (this.#isBusy) {
      throw new GatewayError('conflict', 'The root key is being rotated. Wait for its end.');
    }
    this.#isBusy = true;
    try {
      return await this.#rotate();
    } finally {
      this.#isBusy = false;
    }
  }

  async #rotate(): Promise<RotatedRoot> {
    const { keys, recorder, provider, share, escrow, now, onStep } = this.#parts;
    const id = (keys.rootRow?.id ?? 1) + 1;
    const seedBytes = keys.openSeed();
    const seed = createSecretKey(seedBytes);
    const { secret, unkept } = await newRoot(provider, { id, seed: seedBytes, nowMs: now() });
    await escrow({ root: id, secret, seed });
    await share(secret);
    onStep?.('expected');
    const wrapped = new Map<string, Uint8Array>();
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      for (let some = keys.wrapAnew(secret, wrapped, keysPerTurn); some.length > 0; some = keys.wrapAnew(secret, wrapped, keysPerTurn)) {
        for (const { class: classId, day, wrappedHash } of some) {
          recorder.append(recorder.own, { kind: 'key', meta: JSON.stringify({ class: classId, day, wrapped: wrappedHash }), content: [] });
        }
        await nextTurn();
      }
      await recorder.publish();
      onStep?.('announced');
      // An erasure names keys as they are wrapped now, and destroys no others.
      if (recorder.erasures.length > 0) {
        throw new GatewayError('conflict', 'The root key was not rotated: a deletion is being carried out. Try again in a moment.');
      }
      if (keys.rewrap(secret, unkept, wrapped)) {
        onStep?.('rewrapped');
        return { root: id, provider: provider.name, classKeys: wrapped.size };
      }
    }
    throw new GatewayError('conflict', 'The root key was not rotated: new class keys kept coming into use. Try again in a moment.');
  }
}
