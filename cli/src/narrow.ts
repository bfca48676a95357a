import type { ShownRecord } from '@countersign/gateway/api';
import { ownAttributes } from '@countersign/gateway/own-attributes';
import { readRecord } from './show.ts';
import { escapeControls } from './terminal.ts';

/** The filters of a timeline. A record must pass all that are given. */
export interface Narrowing {
  /** Empty: all channels. */
  readonly channel: readonly number[];
  readonly kind: readonly string[];
  /**
   * Searches the text of a record as it is printed, and its values as `--json` prints them. Case is ignored. A match may also lie across two records of one
   * continued text; then the record in which it ends is found.
   */
  readonly grep?: string;
}

/** Most continued texts that are followed at once. In further ones, matches across records are not found. */
const textsMax = 1000;

/** Returns a filter. It must be called with each record, in order. */
export function narrow({ channel, kind, grep }: Narrowing): (record: ShownRecord) => boolean {
  const wanted = grep?.toLowerCase();
  const seams = new Seams(Math.max((wanted?.length ?? 0) - 1, 0));
  return (record) => {
    const seam = wanted === undefined ? '' : seams.pass(record);
    return (
      (channel.length === 0 || (record.channel !== null && channel.includes(record.channel))) &&
      (kind.length === 0 || kind.includes(record.kind)) &&
      (wanted === undefined || readsAs(record, seam, wanted))
    );
  };
}

function readsAs(record: ShownRecord, seam: string, wanted: string): boolean {
  const { line, facts, text } = readRecord(record);
  const said = [`${line} ${facts}\n${text}`, ...textsOf(record), seam, escapeControls(seam, 'lines')];
  return said.some((each) => each.toLowerCase().includes(wanted));
}

/** All names and values of a record as texts. */
function textsOf(value: unknown): string[] {
  return typeof value === 'object' && value !== null ? Object.entries(value).flatMap(([name, member]) => [name, ...textsOf(member)]) : [String(value)];
}

/** Finds text that lies across the border of two records. Holds the end of each text that continues in a later record. */
class Seams {
  readonly #characters: number;
  /** The ends of texts by the message that they belong to. The oldest is first. */
  readonly #ends = new Map<string, string>();

  /** `characters` is the number of characters that are held on each side of a border. */
  constructor(characters: number) {
    this.#characters = characters;
  }

  /** Returns the end of the text before this record together with the beginning of this record; empty if the record continues nothing. */
  pass(record: ShownRecord): string {
    const { content, attributes } = record;
    const text = content?.text ?? '';
    const key = keyOf(record);
    const before = attributes[ownAttributes.begunText] === true ? (this.#ends.get(key) ?? '') : '';
    this.#ends.delete(key);
    const goesOn = attributes[ownAttributes.continues] === true || attributes[ownAttributes.websocketFinal] === false;
    if (goesOn && this.#characters > 0) {
      // The text of a short record is shorter than the part that is kept, so the part before it is kept too.
      this.#ends.set(key, (before + text.slice(-this.#characters)).slice(-this.#characters));
      for (const oldest of this.#ends.keys()) {
        if (this.#ends.size <= textsMax) {
          break;
        }
        this.#ends.delete(oldest);
      }
    }
    return before === '' ? '' : before + text.slice(0, this.#characters);
  }
}

/**
 * The key of the continued text that a record belongs to: its channel and direction, its request, the output stream of a command. Control frames, which may
 * come between the frames of a message, have keys of their own.
 */
function keyOf({ channel, kind, seq, attributes }: ShownRecord): string {
  const { 'log.iostream': stream, [ownAttributes.websocketOpcode]: opcode } = attributes;
  const between = typeof opcode === 'string' && /^(?:ping|pong|close)$/.test(opcode) ? opcode : '';
  return [channel, kind, attributes[ownAttributes.request] ?? (kind === 'request' ? seq : ''), stream ?? '', between].join(' ');
}

export async function* narrowed<Row extends ShownRecord>(records: AsyncIterable<Row>, narrowing: Narrowing): AsyncGenerator<Row> {
  const isWanted = narrow(narrowing);
  let isFound = narrowing.grep === undefined;
  for await (const record of records) {
    if (isWanted(record)) {
      isFound = true;
      yield record;
    }
  }
  if (!isFound) {
    process.stderr.write('countersign: no record has this text\n');
    process.exitCode = 1;
  }
}
