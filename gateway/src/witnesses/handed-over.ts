import { MalformedError } from '@countersign/ledger';
import {
  formatVerifierKey,
  parseHandover,
  parseVerifierKey,
  requireNext,
  requireSigned,
  SigningKeys,
  type Handover,
  type RingKey,
} from '@countersign/ledger/format';

/** The keys of logs, as handovers that the witness has cosigned say which signs from which size on (docs/formats/checkpoint.md). */
export class HandedOver {
  /** The newest handover of each log, by origin. */
  readonly #newest = new Map<string, Handover>();

  /** Takes up the newest handover of a log, which was cosigned. */
  take(handover: Handover): void {
    this.#newest.set(handover.checkpoint.origin, handover);
  }

  /** The key with which a log began last to be signed; null: none has taken over. */
  newestOf(origin: string): string | null {
    const [key] = this.#newest.get(origin)?.keys.slice(-1) ?? [];
    return key === undefined ? null : formatVerifierKey(key.key);
  }

  /** The keys of a log: those with which it was enrolled, and those that took over from them. */
  keysOf(origin: string, enrolled: readonly string[]): SigningKeys {
    const [first, second, ...others] = this.#newest.get(origin)?.keys ?? [];
    const rings = first === undefined || second === undefined ? [] : [{ keys: [first, second, ...others] as const, handovers: [] }];
    return new SigningKeys(enrolled.map(parseVerifierKey), rings);
  }
}

/** Returns a handover that both keys have signed; null if the checkpoint is none. Rejects with `MalformedError`. */
export async function openHandover(note: string, text: string): Promise<Handover | null> {
  const handover = parseIfHandover(text);
  if (handover !== null) {
    requireNext(handover, handover.keys.slice(0, -1));
    await requireSigned(note, handover.keys);
  }
  return handover;
}

function parseIfHandover(text: string): Handover | null {
  try {
    const handover = parseHandover(text);
    return handover.keys.length === 0 ? null : handover;
  } catch (error) {
    if (error instanceof MalformedError) {
      return null;
    }
    throw error;
  }
}

/** True if a handover adds a key to those that are known, or is the one that added the newest of them. */
export function continues({ checkpoint, keys }: Handover, known: SigningKeys): boolean {
  const listed = known.ringOf(checkpoint.origin)?.keys ?? [];
  const before = keys.slice(0, -1);
  return isSame(keys, listed) || (isSame(before.slice(0, listed.length), listed) && before.slice(-1).every(({ key }) => known.has(key)));
}

function isSame(a: readonly RingKey[], b: readonly RingKey[]): boolean {
  const print = ({ first, key }: RingKey): string => `${first} ${formatVerifierKey(key)}\n`;
  return a.map(print).join('') === b.map(print).join('');
}
