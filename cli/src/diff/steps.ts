import { ownAttributes } from '@countersign/gateway/own-attributes';
import { createHash, hash } from 'node:crypto';
import type { ShownRecord } from '@countersign/gateway/api';

/** The limit of steps of one session. */
const stepsMax = 50_000;
/** This many characters of a text are kept to be shown; all of it is compared. */
const shownCharactersMax = 1000;
/** An id is named by this many digits of a digest. */
const nameDigits = 8;
/** In the head of an answer over HTTP. */
const dateOfAnswer = /^(HTTP \d+\n(?:.+\n)*?)date: \w{3}, \d{2} \w{3} \d{4} [\d:]{8} GMT(?=\n|$)/;
/** Characters that have a meaning in a regular expression. */
const special = /[\\^$.*+?()[\]{}|/]/g;

/** The causes of a request, as `session show` names them. */
export interface StepCauses {
  /** Calls that the client named. */
  readonly calls: readonly string[];
  /** Calls that were going on. */
  readonly likelyCalls: readonly string[];
  /** Sequence number of the request whose span or trace the client named. */
  readonly causedBy: number | null;
}

/** One request of a session with all that was answered to it. */
export interface Step {
  readonly seq: number;
  readonly channel: number | null;
  readonly target: string | null;
  readonly action: string | null;
  /** Its beginning. */
  readonly asked: string;
  readonly answer: string;
  /** Equal where the same was asked of the same target, and where the same was answered. */
  readonly askedKey: string;
  readonly answerKey: string;
  readonly causes: StepCauses;
  /** Equal where the client named the same call, and where it named the span of the same request; null where it named none. */
  readonly callKey: string | null;
  readonly causedByKey: string | null;
}

/** The gateway's own requests, made to carry out a decision, are no acts of the client. */
const ownPolicy = 'countersign';

/** Reads the requests of a session with their answers, in order. A request or an answer in several records is one. */
export async function readSteps(records: AsyncIterable<ShownRecord>): Promise<Step[]> {
  const begun = new Map<
    number,
    { readonly first: ShownRecord; readonly asked: ComparedText; readonly answer: ComparedText; readonly callKey: string | null }
  >();
  const names = new Names();
  for await (const record of records) {
    const known = begun.get(Number(record.attributes[ownAttributes.request]));
    const text = names.putInto(textOf(record), idsOf(record), known === undefined ? '' : stepOrigin(known.first, known.asked));
    if (record.kind === 'response') {
      known?.answer.addLines(text, record.attributes[ownAttributes.begunText] === true);
    } else if (record.kind === 'request' && !record.policies.includes(ownPolicy)) {
      if (known !== undefined) {
        known.asked.add(text);
      } else if (begun.size < stepsMax) {
        const step = { first: record, asked: new ComparedText(' '), answer: new ComparedText(null), callKey: callKeyOf(record, names) };
        step.asked.add(text);
        begun.set(record.seq, step);
      } else {
        throw new Error(`session ${record.session} has more than ${stepsMax} requests: that is more than can be compared`);
      }
    }
  }
  return [...begun.values()].flatMap(({ first, asked, answer, callKey }) => {
    // A step without text on both sides only marks the end of a batch, which depends on how the bytes came.
    if (asked.shown === '' && answer.shown === '') {
      return [];
    }
    const { seq, channel, target, action } = first;
    const causes = causesOf(first);
    const cause = causes.causedBy === null ? undefined : begun.get(causes.causedBy);
    const keys = {
      askedKey: stepOrigin(first, asked),
      answerKey: answer.digest(),
      callKey,
      causedByKey: cause === undefined ? null : stepOrigin(cause.first, cause.asked),
    };
    return { seq, channel, target, action, asked: asked.shown, answer: answer.shown, causes, ...keys };
  });
}

function causesOf({ attributes }: ShownRecord): StepCauses {
  const causedBy = attributes[ownAttributes.causedBy];
  return {
    calls: listOf(attributes['gen_ai.tool.call.id']),
    likelyCalls: listOf(attributes[ownAttributes.likelyToolCalls]),
    causedBy: typeof causedBy === 'number' ? causedBy : null,
  };
}

function callKeyOf(record: ShownRecord, names: Names): string | null {
  const { calls } = causesOf(record);
  return calls.length === 0 ? null : JSON.stringify(calls.map((id) => names.of(id)).toSorted());
}

/** Answers may name the session, those over HTTP say when they were made, a request says which trace it is in, and clients write of their own into results; that is no difference. */
function textOf({ content, session, attributes }: ShownRecord): string {
  const said = (content?.text ?? content?.base64 ?? '').replaceAll(session, 'SESSION').replace(dateOfAnswer, '$1date: TIME');
  const text = listOf(attributes[ownAttributes.ownWords]).reduce((rest, words) => rest.replaceAll(words, ''), said);
  const traceparent = attributes[ownAttributes.traceparent];
  return typeof traceparent === 'string' ? text.replaceAll(traceparent.replaceAll(session, 'SESSION'), 'TRACEPARENT') : text;
}

/** Ids that are others in each run; the longest first, so that none is taken for the beginning of another. */
function idsOf({ attributes }: ShownRecord): readonly string[] {
  return listOf(attributes[ownAttributes.ids]).filter((id) => id !== '');
}

function listOf(value: ShownRecord['attributes'][string] | undefined): readonly string[] {
  return typeof value === 'object' ? value : [];
}

function stepOrigin({ target, action }: ShownRecord, asked: ComparedText): string {
  return JSON.stringify([target, action, asked.digest()]);
}

/**
 * Names for the ids of one run that are the same in another run of the same: an id is named after the request in whose answer, or in which, it first came, and its number there. So one request
 * more or less changes no other's names, and two things have two names.
 */
class Names {
  readonly #nameOf = new Map<string, string>();
  readonly #countOf = new Map<string, number>();

  /** An id that has no name is its own. */
  of(id: string): string {
    return this.#nameOf.get(id) ?? id;
  }

  /** `origin`: of what the text answers; '' for what begins a request. */
  putInto(text: string, ids: readonly string[], origin: string): string {
    for (const id of ids) {
      if (!this.#nameOf.has(id)) {
        const count = (this.#countOf.get(origin) ?? 0) + 1;
        this.#countOf.set(origin, count);
        this.#nameOf.set(id, `${hash('sha256', origin).slice(0, nameDigits)}.${count}`);
      }
    }
    const present = ids.toSorted((a, b) => b.length - a.length).map((id) => id.replaceAll(special, String.raw`\$&`));
    return present.length === 0 ? text : text.replaceAll(new RegExp(present.join('|'), 'g'), (id) => this.of(id));
  }
}

/** A text that comes in pieces: hashed to be compared, its beginning kept to be shown. */
class ComparedText {
  readonly #hash = createHash('sha256');
  /** The text that replaces any white space; null: white space stays as it is. */
  readonly #space: string | null;
  #isSpaceDue = false;
  #isLineDue = false;
  #shown = '';

  constructor(space: string | null) {
    this.#space = space;
  }

  get shown(): string {
    return this.#isLineDue && this.#shown.length < shownCharactersMax ? `${this.#shown}\n` : this.#shown;
  }

  add(text: string): void {
    if (this.#space === null) {
      this.#take(text);
      return;
    }
    const words = text.split(/\s+/u);
    for (const [i, word] of words.entries()) {
      this.#isSpaceDue ||= i > 0;
      if (word !== '') {
        this.#take(this.#isSpaceDue && this.#shown !== '' ? this.#space + word : word);
        this.#isSpaceDue = false;
      }
    }
  }

  /** Lines: where they were cut into records does not show. `goesOn`: with the last line that came. */
  addLines(text: string, goesOn: boolean): void {
    if (text !== '') {
      this.add(this.#isLineDue && !goesOn ? `\n${text}` : text);
      this.#isLineDue = true;
    }
  }

  /** The digest of the text so far. */
  digest(): string {
    return this.#hash.copy().digest('base64');
  }

  #take(text: string): void {
    this.#hash.update(text);
    const room = shownCharactersMax - this.#shown.length;
    if (room > 0) {
      this.#shown += text.length > room ? `${text.slice(0, room)}…` : text;
    }
  }
}
