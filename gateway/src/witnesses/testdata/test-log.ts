import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { parseVerifierKey } from '@countersign/ledger';
import {
  emptyRoot,
  encodeUtf8,
  formatCheckpoint,
  formatHandover,
  formatVerifierKey,
  sha256,
  signHandover,
  signNote,
  type NoteSigner,
} from '@countersign/ledger/format';
import { consistencyProof, rootAt, type ReadHash } from '../../../../ledger/src/proof.ts';
import { nodeHash } from '../../../../ledger/src/tree.ts';
import { formatAddCheckpoint } from '../add-checkpoint.ts';

/** Makes the key of a log. */
export function signerOf(name: string): NoteSigner {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  return { name, publicKey: publicKey.export({ format: 'der', type: 'spki' }).subarray(-32), sign: (message) => sign(null, message, privateKey) };
}

/** A log whose leaves are the numbers from 0, but from `fork` on others. */
export class TestLog {
  readonly signer: NoteSigner;
  readonly #fork: number;

  constructor(signer = signerOf('log.example'), fork = Infinity) {
    this.signer = signer;
    this.#fork = fork;
  }

  get key(): ReturnType<typeof parseVerifierKey> {
    return parseVerifierKey(formatVerifierKey(this.signer));
  }

  readonly #read: ReadHash = async (height, index) =>
    height === 0
      ? sha256(encodeUtf8(`${index} ${index >= this.#fork}`))
      : nodeHash(await this.#read(height - 1, 2 * index), await this.#read(height - 1, 2 * index + 1));

  async note(size: number): Promise<string> {
    return signNote(formatCheckpoint({ origin: this.signer.name, size, root: size === 0 ? emptyRoot : await rootAt(size, this.#read) }), this.signer);
  }

  async request(oldSize: number, size: number, note?: string): Promise<Uint8Array> {
    const proof = oldSize === 0 || oldSize > size ? [] : await consistencyProof(oldSize, size, this.#read);
    return encodeUtf8(formatAddCheckpoint({ oldSize, proof, note: note ?? (await this.note(size)) }));
  }

  /** The handover to the last of these keys, each with the size from which it signs. The one before signs too. */
  async handover(keys: readonly (readonly [number, NoteSigner])[]): Promise<string> {
    const [[, before] = assert.fail(), [size, next] = assert.fail()] = keys.slice(-2);
    const checkpoint = { origin: this.signer.name, size, root: await rootAt(size, this.#read), journal: { segment: 1, offset: 96, chain: new Uint8Array(32) } };
    const ring = keys.map(([first, signer]) => ({ first, key: parseVerifierKey(formatVerifierKey(signer)) }));
    return signHandover(formatHandover(checkpoint, ring), [before, next]);
  }
}
