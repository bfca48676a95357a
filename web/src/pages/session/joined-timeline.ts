import type { Schemas } from '../../api/schema.ts';
import { readMessages, type Message } from './messages.ts';

/** A request with everything that was recorded of it: the answer in its parts, and what was decided, held, masked and found on the way. */
export interface Act {
  readonly is: 'act';
  readonly request: Schemas['ShownRecord'];
  readonly answers: Schemas['ShownRecord'][];
  readonly others: Schemas['ShownRecord'][];
  /** For a request to a model: what was said. Null: it is another request. */
  readonly turn: Turn | null;
}

/** One turn of a conversation with a model. */
export interface Turn {
  /** The messages that are new in it: the client sends all earlier ones again. */
  readonly asked: readonly Message[];
  /** The answer; null as long as it is not whole. */
  replied: readonly Message[] | null;
  /** The acts that each tool call of the answer has led to, by the id of the call. */
  readonly caused: Map<string, Act[]>;
}

/** A record that belongs to no request: a session or a channel that opens or ends, a login, an event. */
interface Event {
  readonly is: 'event';
  readonly record: Schemas['ShownRecord'];
}

export type Item = Act | Event;

const attributes = {
  request: 'countersign.request',
  continues: 'countersign.continues',
  calls: 'gen_ai.tool.call.id',
  likelyCalls: 'countersign.likely_tool_calls',
  input: 'gen_ai.input.messages',
  output: 'gen_ai.output.messages',
} as const;

/** Joins the records of a session, which come in order, into turns: what a model was asked and said, and under each tool call what it has led to. */
export class JoinedTimeline {
  /** All that is not under a tool call, in order. */
  readonly items: Item[] = [];
  readonly #acts = new Map<number, Act>();
  /** The latest turn with each tool call, by the id of the call. */
  readonly #callers = new Map<string, Turn>();
  /** The messages that each model was sent last, each as text, by target. */
  readonly #sent = new Map<string | null, readonly string[]>();

  add(record: Schemas['ShownRecord']): void {
    const of = record.attributes[attributes.request];
    const act = typeof of === 'number' ? this.#acts.get(of) : undefined;
    if (record.kind === 'request') {
      this.#addRequest(record, act);
    } else if (act === undefined) {
      this.items.push({ is: 'event', record });
    } else if (record.kind === 'response') {
      this.#addAnswer(record, act);
    } else {
      act.others.push(record);
    }
  }

  /** Adds a request, or a later part of one. */
  #addRequest(request: Schemas['ShownRecord'], begun: Act | undefined): void {
    if (begun !== undefined) {
      begun.others.push(request);
      return;
    }
    const messages = readMessages(request.attributes[attributes.input]);
    const turn = messages.length === 0 ? null : { asked: this.#newMessages(request.target, messages), replied: null, caused: new Map<string, Act[]>() };
    const act: Act = { is: 'act', request, answers: [], others: [], turn };
    this.#acts.set(request.seq, act);
    const call = callsOf(request).find((id) => this.#callers.has(id));
    const siblings = call === undefined ? undefined : this.#callers.get(call)?.caused.get(call);
    (siblings ?? this.items).push(act);
  }

  #addAnswer(answer: Schemas['ShownRecord'], { answers, turn }: Act): void {
    answers.push(answer);
    if (turn === null || answer.attributes[attributes.continues] === true) {
      return;
    }
    turn.replied = readMessages(answer.attributes[attributes.output]);
    for (const part of turn.replied.flatMap(({ parts }) => parts)) {
      if (part.is === 'call') {
        turn.caused.set(part.id, []);
        this.#callers.set(part.id, turn);
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
    const rest = messages.slice(before.length);
    const isAnswer = before.length > 0 && rest[0]?.role === 'assistant';
    return isAnswer ? rest.slice(1) : rest;
  }
}

/** Returns the ids of the tool calls that a request is for: those that it names, and those that it fits. */
function callsOf({ attributes: facts }: Schemas['ShownRecord']): readonly string[] {
  return [facts[attributes.calls], facts[attributes.likelyCalls]].flatMap((ids) => ids ?? []).map(String);
}
