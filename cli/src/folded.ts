import type { ShownRecord } from '@countersign/gateway/api';
import { ownAttributes } from '@countersign/gateway/own-attributes';
import { saidIn } from './said.ts';
import { summaryOf } from './show.ts';

/** One record, or all records of one answer combined. Time, number and beginning are those of the first record, the facts those of the last. */
export interface Entry extends ShownRecord {
  /** Present for an answer in several records: their number, and the sequence number and time of the last one. */
  readonly folded?: { readonly records: number; readonly seq: number; readonly time: string };
  /** Present for a request that carries values which the session saw before: where they came from, in words. */
  readonly carries?: string;
}

/** Most unfinished answers that are held. If there are more, the oldest is given as far as it came, so nothing is lost. */
const answersMax = 1000;
const charactersMax = 16 * 1024 * 1024;
/** An answer that takes longer than this is given in parts. */
const spanMsMax = 60_000;

const switchingProtocols = 101;

/** `goesOn`: the text continues the last line of the record before. */
interface Text {
  readonly text: string;
  readonly goesOn: boolean;
}

interface Answer {
  readonly first: ShownRecord;
  last: ShownRecord;
  records: number;
  readonly texts: Text[];
  readonly summaries: (string | null)[];
  bytes: number;
  /** Number of bytes that were not kept, because policy keeps only facts. */
  notKeptBytes: number;
  readonly classes: Set<string>;
  /** How many values of each class were masked. */
  readonly masked: Map<string, number>;
  isInspected: boolean;
}

/** Yields each answer once, when its last record came or the records end. Everything else is yielded unchanged. */
export async function* folded(records: AsyncIterable<ShownRecord>): AsyncGenerator<Entry> {
  /** The answers that are not complete, by request. The oldest is first. */
  const begun = new Map<string, Answer>();
  let characters = 0;
  const end = (key: string, answer: Answer): Entry => {
    begun.delete(key);
    characters -= answer.texts.reduce((sum, { text }) => sum + text.length, 0);
    return entryOf(answer);
  };
  let failure: { readonly cause: unknown } | null = null;
  try {
    for await (const record of records) {
      const key = keyOf(record);
      if (key === null) {
        yield record;
        continue;
      }
      const known = begun.get(key);
      const isLate = known !== undefined && Date.parse(record.time) - Date.parse(known.first.time) > spanMsMax;
      if (isLate) {
        yield end(key, known);
      }
      const answer = known === undefined || isLate ? begin(record) : known;
      begun.set(key, answer);
      characters += add(answer, record);
      if (record.attributes[ownAttributes.continues] !== true) {
        yield end(key, answer);
      }
      for (const [oldest, other] of begun) {
        if (begun.size <= answersMax && characters <= charactersMax) {
          break;
        }
        yield end(oldest, other);
      }
    }
  } catch (cause) {
    failure = { cause };
  }
  for (const [key, answer] of begun) {
    yield end(key, answer);
  }
  // The error is thrown after everything that is whole.
  if (failure !== null) {
    throw failure.cause;
  }
}

/**
 * The key of the answer that a record belongs to. Null for records that are not combined: each message of a WebSocket is a text of its own, and so is the head
 * that opens the WebSocket.
 */
function keyOf({ kind, channel, attributes }: ShownRecord): string | null {
  const request = attributes[ownAttributes.request];
  const isOfWebSocket = attributes[ownAttributes.websocketOpcode] !== undefined || attributes['http.response.status_code'] === switchingProtocols;
  return kind !== 'response' || request === undefined || isOfWebSocket ? null : `${channel} ${String(request)}`;
}

function begin(record: ShownRecord): Answer {
  const none = { records: 0, bytes: 0, notKeptBytes: 0, isInspected: true };
  return { first: record, last: record, texts: [], summaries: [], classes: new Set(), masked: new Map(), ...none };
}

/** Adds a record to an answer. Returns the number of characters that it added. */
function add(answer: Answer, record: ShownRecord): number {
  const text = record.content?.text ?? record.content?.base64 ?? '';
  answer.last = record;
  answer.records += 1;
  answer.texts.push({ text, goesOn: record.attributes[ownAttributes.begunText] === true });
  answer.summaries.push(summaryOf(record));
  answer.bytes += record.content?.bytes ?? 0;
  answer.notKeptBytes += Number(record.attributes[ownAttributes.contentBytes] ?? 0);
  answer.isInspected &&= record.attributes[ownAttributes.inspected] !== false;
  for (const name of [record.attributes[ownAttributes.classes] ?? []].flat()) {
    answer.classes.add(String(name));
  }
  for (const each of [record.attributes[ownAttributes.masked] ?? []].flat()) {
    const [name = '', count] = String(each).split('=');
    answer.masked.set(name, (answer.masked.get(name) ?? 0) + Number(count));
  }
  return text.length;
}

function entryOf({ first, last, records, texts, summaries, bytes, notKeptBytes, classes, masked, isInspected }: Answer): Entry {
  if (records === 1) {
    return first;
  }
  const isEnded = last.attributes[ownAttributes.continues] !== true;
  const said = isEnded && last.attributes[ownAttributes.isWhole] !== false ? saidIn(last.attributes['gen_ai.output.messages']) : [];
  return {
    ...first,
    attributes: {
      ...first.attributes,
      [ownAttributes.continues]: !isEnded,
      ...last.attributes,
      ...(last.attributes[ownAttributes.begunText] === true ? { [ownAttributes.begunText]: first.attributes[ownAttributes.begunText] === true } : {}),
      ...(classes.size === 0 ? {} : { [ownAttributes.classes]: [...classes].toSorted() }),
      ...(masked.size === 0 ? {} : { [ownAttributes.masked]: Array.from(masked, ([name, count]) => `${name}=${count}`).toSorted() }),
      ...(isInspected ? {} : { [ownAttributes.inspected]: false }),
      ...(notKeptBytes === 0 ? {} : { [ownAttributes.contentBytes]: notKeptBytes }),
      ...(summaries.every((summary) => summary === null)
        ? {}
        : { [ownAttributes.summary]: summaries.map((summary, i) => summary ?? texts[i]?.text).join('\n') }),
    },
    content:
      notKeptBytes > 0 && bytes === 0
        ? null
        : { mediaType: first.content?.mediaType ?? 'text/plain', text: said.length > 0 ? said.join('\n') : together(texts), bytes },
    folded: { records, seq: last.seq, time: last.time },
  };
}

function together(texts: readonly Text[]): string {
  const pieces: string[] = [];
  for (const { text, goesOn } of texts) {
    if (text !== '') {
      pieces.push(goesOn || pieces.length === 0 ? '' : '\n', text);
    }
  }
  return pieces.join('');
}
