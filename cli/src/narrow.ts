import type { ShownRecord } from '@countersign/gateway/api';
import { ownAttributes } from '@countersign/gateway/own-attributes';
import { readRecord } from './show.ts';
import { escapeControls } from './terminal.ts';

/** The records of a timeline that are wanted: those that pass all of the given filters. */
export interface Narrowing {
  /** None: all. */
  readonly channel: readonly number[];
  readonly kind: readonly string[];
  /**
   * In what a person reads of a record, as it is printed, and in what `--json` has of it; upper and lower case are the same. Of a text that goes on from record to record
   * it is also what lies across them: then the record in which it ends is wanted.
   */
  readonly grep?: string;
}

/** Texts that go on at once. Of one that goes on behind more others, what lies across its records is not found. */
const textsMax = 1000;

/** Asked about each record in their order. */
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

/** All names and values of a record. */
function textsOf(value: unknown): string[] {
  return typeof value === 'object' && value !== null ? Object.entries(value).flatMap(([name, member]) => [name, ...textsOf(member)]) : [String(value)];
}

/** Finds text that lies across the border of two records. Holds the end of each text that continues in a further record. */
class Seams {
  readonly #characters: number;
  /** The ends of texts, by the message that the text belongs to; the oldest first. */
  readonly #ends = new Map<string, string>();

  /** `characters` is the number of characters that are held on each side of a border. */
  constructor(characters: number) {
    this.#characters = characters;
  }

  /** The end of what came before and the beginning of what comes with this record; empty where no text goes on. */
  pass(record: ShownRecord): string {
    const { content, attributes } = record;
    const text = content?.text ?? '';
    const key = keyOf(record);
    const before = attributes[ownAttributes.begunText] === true ? (this.#ends.get(key) ?? '') : '';
    this.#ends.delete(key);
    const goesOn = attributes[ownAttributes.continues] === true || attributes[ownAttributes.websocketFinal] === false;
    if (goesOn && this.#characters > 0) {
      // Short records may be shorter than what is kept of them.
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

/** In one direction of a channel, the request that a record is of, or begins; of what a command prints, which of its outputs; frames that come between others apart. */
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
    process.stderr.write('countersign: no record reads so\n');
    process.exitCode = 1;
  }
}
