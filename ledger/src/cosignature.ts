/** Cosignatures of witnesses, c2sp.org/tlog-cosignature: Ed25519, signature type 0x04. */
import { verifyEd25519 } from './crypto.ts';
import { readUint53, writeUint53 } from './leaf.ts';
import { formatSignatureLine, signatureTypes, type Note, type NoteSigner, type VerifierKey } from './note.ts';
import { encodeUtf8 } from './text.ts';

const timeBytes = 8;
const signatureBytes = 64;

/** The statement of a witness that at `timeS` (s since 1970) it knew no larger tree of this log, and that this one continues all that it had seen of it. */
interface Cosignature {
  readonly key: VerifierKey;
  readonly timeS: number;
}

export interface Cosignatures {
  /** Those that hold, in the order of the note. */
  readonly held: readonly Cosignature[];
  /** The keys by which there is a line that does not hold. */
  readonly forged: readonly VerifierKey[];
}

function cosignedMessage(text: string, timeS: number): Uint8Array {
  return encodeUtf8(`cosignature/v1\ntime ${timeS}\n${text}`);
}

/** Makes the cosignature line of a checkpoint. `text` is the text of its note. */
export function cosign(text: string, signer: NoteSigner, timeS: number): string {
  const stamped = new Uint8Array(timeBytes + signatureBytes);
  writeUint53(new DataView(stamped.buffer), 0, timeS);
  stamped.set(signer.sign(cosignedMessage(text, timeS)), timeBytes);
  return formatSignatureLine(signer, signatureTypes.cosignature, stamped);
}

/** Checks the cosignatures of a note by known keys, which were parsed as keys of cosignatures. Lines by other keys are ignored. */
export async function verifyCosignatures(note: Note, keys: readonly VerifierKey[]): Promise<Cosignatures> {
  const held: Cosignature[] = [];
  const forged: VerifierKey[] = [];
  for (const { name, id, signature } of note.signatures) {
    for (const key of keys.filter((one) => one.name === name && one.id === id)) {
      const timeS = await timeOf(note.text, key, signature);
      if (timeS === null) {
        forged.push(key);
      } else {
        held.push({ key, timeS });
      }
    }
  }
  return { held, forged };
}

/** Returns the time that a cosignature states; null if it does not hold. */
async function timeOf(text: string, key: VerifierKey, stamped: Uint8Array): Promise<number | null> {
  if (stamped.length !== timeBytes + signatureBytes) {
    return null;
  }
  const timeS = readUint53(new DataView(stamped.buffer, stamped.byteOffset, timeBytes), 0);
  const isSafe = Number.isSafeInteger(timeS);
  return isSafe && (await verifyEd25519(key.publicKey, cosignedMessage(text, timeS), stamped.subarray(timeBytes))) ? timeS : null;
}
