import type { Schemas } from '../../api/schema.ts';
import { readMessages, type CallPart, type Message } from './messages.ts';

/** A request with everything that was recorded of it: the answer in its parts, and what was decided, held, masked and found on the way. */
export interface Act {
  readonly is: 'act';
  readonly request: Schemas['ShownRecord'];
  readonly answers: Schemas['ShownRecord'][];
  readonly others: Schemas['ShownRecord'][];
  /** For a request to a model: what was said. Null: it is another request. */
  readonly turn: Turn | null;
  /** How many acts it is under. */
  readonly depth: number;
}

/** One turn of a conversation with a model. */
export interface Turn {
  /** The messages that are new in it: the client sends all earlier ones again. */
  readonly asked: readonly Message[];
  /** The answer; null as long as it is not whole. */
  replied: readonly Message[] | null;
  /** The acts that each tool call of the answer has led to. */
  readonly caused: Map<CallPart, Act[]>;
}

/** A record that belongs to no request: a session or a channel that opens or ends, a login, an event. */
interface Event {
  readonly is: 'event';
  readonly record: Schemas['ShownRecord'];
}

/** The output of the program of a run, in one piece as long as nothing else happens. */
export interface Output {
  readonly is: 'output';
  readonly records: Schemas['ShownRecord'][];
}

/** The action of the records with the output of a run's program. */
const processOutput = 'process.output';

export type Item = Act | Event | Output;

const attributes = {
  request: 'countersign.request',
  continues: 'countersign.continues',
  calls: 'gen_ai.tool.call.id',
  likelyCalls: 'countersign.likely_tool_calls',
  input: 'gen_ai.input.messages',
  output: 'gen_ai.output.messages',
} as const;

/** An act, or one as it was: its parts are the same. */
interface Placed {
  readonly act: Act;
  /** The place in the list of what it is in. */
  readonly place: number;
}

interface Caused {
  readonly caused: Act[];
  /** How many acts they are under. */
  readonly depth: number;
  readonly place: number;
}

/** Most acts that one is under: clients say what belongs to which call, and may say so of any number. */
const depthMax = 8;

/** Joins the records of a session, which come in order, into turns: what a model was asked and said, and under each tool call what it has led to. */
export class JoinedTimeline {
  /** All that is not under a tool call, in order. One to which something is added becomes another object, so that what was made of it is known to be old. */
  readonly items: Item[] = [];
  readonly #acts = new Map<number, Placed>();
  /** The acts to which the latest tool call of each id has led, and where these are. */
  readonly #calls = new Map<string, Caused>();
  /** The messages that each model was sent last, each as text, by target. */
  readonly #sent = new Map<string | null, readonly string[]>();
  /** The latest answer of each model, by target. */
  readonly #said = new Map<string | null, readonly Message[]>();

  add(record: Schemas['ShownRecord']): void {
    const of = record.attributes[attributes.request];
    const placed = typeof of === 'number' ? this.#acts.get(of) : undefined;
    if (isOutput(record)) {
      this.#addOutput(record);
    } else if (placed !== undefined) {
      if (record.kind === 'response') {
        this.#addAnswer(record, placed);
      } else {
        placed.act.others.push(record);
      }
      this.#renew(placed.place);
    } else if (record.kind === 'request') {
      this.#addRequest(record);
    } else {
      this.items.push({ is: 'event', record });
    }
  }

  #renew(place: number): void {
    const item = this.items[place];
    if (item !== undefined) {
      this.items[place] = { ...item };
    }
  }

  #addRequest(request: Schemas['ShownRecord']): void {
    const messages = readMessages(request.attributes[attributes.input]);
    const turn = messages.length === 0 ? null : { asked: this.#newMessages(request.target, messages), replied: null, caused: new Map<CallPart, Act[]>() };
    const [call] = callsOf(request).flatMap((id) => this.#calls.get(id) ?? []);
    const { caused, depth, place } = call === undefined || call.depth > depthMax ? { caused: this.items, depth: 0, place: this.items.length } : call;
    const act: Act = { is: 'act', request, answers: [], others: [], turn, depth };
    this.#acts.set(request.seq, { act, place });
    caused.push(act);
    this.#renew(place);
  }

  #addOutput(record: Schemas['ShownRecord']): void {
    const last = this.items.at(-1);
    if (last?.is === 'output') {
      last.records.push(record);
      this.#renew(this.items.length - 1);
    } else {
      this.items.push({ is: 'output', records: [record] });
    }
  }

  #addAnswer(answer: Schemas['ShownRecord'], { act: { request, answers, turn, depth }, place }: Placed): void {
    answers.push(answer);
    if (turn === null || answer.attributes[attributes.continues] === true) {
      return;
    }
    const replied = readMessages(answer.attributes[attributes.output]);
    // An answer takes nothing away of one before it, nor of the acts to which that has led.
    turn.replied = [...(turn.replied ?? []), ...replied];
    this.#said.set(request.target, replied);
    for (const part of replied.flatMap(({ parts }) => parts)) {
      if (part.is === 'call') {
        const caused: Act[] = [];
        turn.caused.set(part, caused);
        this.#calls.set(part.id, { caused, depth: depth + 1, place });
      }
    }
  }

  /** Returns the messages of a request that come after those of the request before it, without the answer to that one. */
  #newMessages(target: string | null, messages: readonly Message[]): readonly Message[] {
    const texts = messages.map((message) => JSON.stringify(message));
    const before = this.#sent.get(target) ?? [];
    this.#sent.set(target, texts);
    if (!before.every((text, at) => text === texts[at])) {
      return messages;
    }
    const [first, ...others] = messages.slice(before.length);
    // Clients may tell a model that it said something else.
    const isAnswer = before.length > 0 && first?.role === 'assistant' && wordsOf([first]) === wordsOf(this.#said.get(target) ?? []);
    return first === undefined ? [] : isAnswer ? others : [first, ...others];
  }
}

/** Whether a record has output of the program of a run. */
export function isOutput({ kind, action }: Schemas['ShownRecord']): boolean {
  return kind === 'response' && action === processOutput;
}

/** Returns what messages say and call for, in a form to compare. Clients leave out reasoning. */
function wordsOf(messages: readonly Message[]): string {
  const words = messages.flatMap(({ parts }) =>
    parts.flatMap((part) => (part.is === 'text' ? [part.text.trim()] : part.is === 'call' ? [part.id, part.name, part.arguments] : [])),
  );
  return JSON.stringify(words.filter((text) => text !== ''));
}

/** Returns the ids of the tool calls that a request is for: those that it names, and those that it fits. */
function callsOf({ attributes: facts }: Schemas['ShownRecord']): readonly string[] {
  return [facts[attributes.calls], facts[attributes.likelyCalls]].flatMap((ids) => ids ?? []).map(String);
}
