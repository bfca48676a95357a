import { createHash } from 'node:crypto';
import type { ShownRecord } from '@countersign/gateway/domain/shown-record.ts';

/** Of one session. */
const stepsMax = 50_000;
/** What is kept of a text to be shown; the whole of it is compared. */
const shownCharactersMax = 1000;

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
}

/** The gateway's own requests, made to carry out a decision, are no acts of the client. */
const ownPolicy = 'countersign';

/** What a session asked and was answered, in order. A request or an answer in several records is one. */
export async function readSteps(records: AsyncIterable<ShownRecord>): Promise<Step[]> {
  const begun = new Map<number, { readonly first: ShownRecord; readonly asked: ComparedText; readonly answer: ComparedText }>();
  for await (const record of records) {
    const text = textOf(record);
    const known = begun.get(Number(record.attributes['countersign.request']));
    if (record.kind === 'response') {
      known?.answer.addLines(text);
    } else if (record.kind === 'request' && !record.policies.includes(ownPolicy)) {
      if (known !== undefined) {
        known.asked.add(text);
      } else if (begun.size < stepsMax) {
        const step = { first: record, asked: new ComparedText(' '), answer: new ComparedText(null) };
        step.asked.add(text);
        begun.set(record.seq, step);
      } else {
        throw new Error(`session ${record.session} has more than ${stepsMax} requests: that is more than can be compared`);
      }
    }
  }
  return [...begun.values()].flatMap(({ first: { seq, channel, target, action }, asked, answer }) => {
    // What asks nothing and is answered nothing only says where a batch ends, which depends on how the bytes came.
    if (asked.shown === '' && answer.shown === '') {
      return [];
    }
    const askedKey = JSON.stringify([target, action, asked.digest()]);
    return { seq, channel, target, action, asked: asked.shown, answer: answer.shown, askedKey, answerKey: answer.digest() };
  });
}

/** Answers may name the session; that is no difference. */
function textOf({ content, session }: ShownRecord): string {
  return (content?.text ?? content?.base64 ?? '').replaceAll(session, 'SESSION');
}

/** A text that comes in pieces: hashed to be compared, its beginning kept to be shown. */
class ComparedText {
  readonly #hash = createHash('sha256');
  /** What any white space counts as; null: itself. */
  readonly #space: string | null;
  #isSpaceDue = false;
  #shown = '';

  constructor(space: string | null) {
    this.#space = space;
  }

  get shown(): string {
    return this.#shown;
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

  /** Whole lines: where they were cut into records does not show. */
  addLines(text: string): void {
    if (text !== '') {
      this.add(`${text}\n`);
    }
  }

  digest(): string {
    return this.#hash.digest('base64');
  }

  #take(text: string): void {
    this.#hash.update(text);
    const room = shownCharactersMax - this.#shown.length;
    if (room > 0) {
      this.#shown += text.length > room ? `${text.slice(0, room)}…` : text;
    }
  }
}
