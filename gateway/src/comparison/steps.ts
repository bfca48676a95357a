import { createHash, hash } from 'node:crypto';
import { GatewayError } from '../domain/errors.ts';
import { ownAttributes } from '../domain/own-attributes.ts';
import type { ShownRecord } from '../feed/shown-record.ts';
import { unkeptText } from './unkept-text.ts';
import { withoutMoments } from './without-moments.ts';

/** Most steps of one session, unless there is less room. */
const stepsMostly = 50_000;
/** This many characters of a text are kept to be shown. All of the text is compared. */
const shownCharactersMax = 1000;
/** An id is renamed to this many digits of a digest. */
const nameDigits = 8;
/** The attribute with what a model said. */
const outputMessages = 'gen_ai.output.messages';
/** The form of the id of an approval, which the gateway names in its own answers. */
const approvalForm = /\bap_[0-9a-f]{16}\b/g;
/** Characters that have a meaning in a regular expression. */
const special = /[\\^$.*+?()[\]{}|/]/g;

/** The causes of a request, as `session show` names them. */
export interface StepCauses {
  /** The calls that the client named. */
  readonly calls: readonly string[];
  /** The calls that were running at that time. */
  readonly likelyCalls: readonly string[];
  /** Sequence number of the request whose span or trace the client named. */
  readonly causedBy: number | null;
}

/** One request of a session with its whole answer. */
export interface Step {
  readonly seq: number;
  readonly channel: number | null;
  readonly target: string | null;
  readonly action: string | null;
  /** The beginning of the request. */
  readonly asked: string;
  readonly answer: string;
  /** True: some of its content is there, but not for the reader. */
  readonly isHidden: boolean;
  /** Equal in two steps that asked the same of the same target. */
  readonly askedKey: string;
  /** Equal in two steps that were answered the same. */
  readonly answerKey: string;
  readonly causes: StepCauses;
  /** Equal in two steps whose clients named the same call. Null if the client named none. */
  readonly callKey: string | null;
  /** Equal in two steps whose clients named the span of the same request. Null if the client named none. */
  readonly causedByKey: string | null;
}

/** The policy of requests that the gateway made itself to carry out a decision. They are not acts of the client. */
const ownPolicy = 'countersign';

interface Begun {
  readonly first: ShownRecord;
  readonly asked: ComparedText;
  readonly answer: ComparedText;
  /** The pieces of an answer of a model whose last record is still to come. */
  readonly pieces: Piece[];
  readonly callKey: string | null;
  isHidden: boolean;
}

/** A part of what a model said, as the attribute of the record has it. */
interface SaidPart {
  readonly type: string;
  readonly content?: string;
  readonly name?: string;
  readonly id?: string | null;
  readonly arguments?: unknown;
}

interface Piece {
  readonly text: string;
  /** True: the text continues the line that came last. */
  readonly goesOn: boolean;
}

/** Reads the requests of a session with their answers, in order. A request or an answer in several records counts as one. Rejects with GatewayError `limit_exceeded` if there are more than `stepsMax`. */
export async function readSteps(records: AsyncIterable<ShownRecord>, stepsMax = stepsMostly): Promise<Step[]> {
  const begun = new Map<number, Begun>();
  const names = new Names();
  const approvals = new Set<string>();
  for await (const record of records) {
    const known = begun.get(Number(record.attributes[ownAttributes.request]));
    const approval = record.attributes[ownAttributes.approvalId];
    if (typeof approval === 'string') {
      approvals.add(approval);
    }
    const whole = wholeMessages(record);
    const said = textOf(record, whole);
    const ids = [...idsOf(record), ...(said.match(approvalForm) ?? []).filter((id) => approvals.has(id))];
    const text = names.putInto(said, ids, known === undefined ? '' : stepOrigin(known.first, known.asked));
    if (known !== undefined && (record.kind === 'response' || record.kind === 'request')) {
      known.isHidden ||= isHidden(record);
    }
    if (record.kind === 'response') {
      const piece = { text, goesOn: record.attributes[ownAttributes.begunText] === true };
      const goesOn = record.attributes[ownAttributes.continues] === true;
      const isOfModel = typeof record.attributes[outputMessages] === 'string' || (known?.pieces.length ?? 0) > 0;
      if (known !== undefined && goesOn && isOfModel) {
        known.pieces.push(piece);
      } else if (known !== undefined) {
        addPieces(known.answer, whole === null ? [...known.pieces, piece] : [piece]);
        known.pieces.length = 0;
      }
    } else if (record.kind === 'request' && !record.policies.includes(ownPolicy)) {
      if (known !== undefined) {
        known.asked.add(text);
      } else if (begun.size < stepsMax) {
        const step = {
          first: record,
          asked: new ComparedText(' '),
          answer: new ComparedText(null),
          pieces: [],
          callKey: callKeyOf(record, names),
          isHidden: isHidden(record),
        };
        step.asked.add(text);
        begun.set(record.seq, step);
      } else {
        throw new GatewayError('limit_exceeded', `session ${record.session} has more than ${stepsMax} requests: that is more than can be compared`);
      }
    }
  }
  return [...begun.values()].flatMap(({ first, asked, answer, pieces, callKey, isHidden: isUnread }) => {
    addPieces(answer, pieces);
    // A step without text on both sides only marks the end of a batch, and where a batch ends depends on how the bytes arrived.
    if (asked.shown === '' && answer.shown === '' && !isUnread) {
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
    return { seq, channel, target, action, asked: asked.shown, answer: answer.shown, causes, isHidden: isUnread, ...keys };
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

/**
 * Returns the text of a record without the parts that differ in each run: the session, what is new in the head of each request and answer over HTTP, the
 * trace that a request names, and the words that the client adds to results. `whole` stands in place of the text of the record.
 */
function textOf({ content, session, attributes }: ShownRecord, whole: string | null): string {
  const said = withoutMoments(whole ?? content?.text ?? content?.base64 ?? unkeptText({ attributes }) ?? '').replaceAll(session, 'SESSION');
  const text = listOf(attributes[ownAttributes.ownWords]).reduce((rest, words) => rest.replaceAll(words, ''), said);
  const traceparent = attributes[ownAttributes.traceparent];
  return typeof traceparent === 'string' ? text.replaceAll(traceparent.replaceAll(session, 'SESSION'), 'TRACEPARENT') : text;
}

/**
 * Returns an answer of a model as its last record has it, independent of how it was divided into records. Null if the record is not the last one, or if it does
 * not have the whole answer, or if the answer did not end by itself: then an error may be in its text alone.
 */
function wholeMessages({ attributes, content }: ShownRecord): string | null {
  const messages = attributes[outputMessages];
  if (typeof messages !== 'string' || content === null || attributes[ownAttributes.continues] === true || attributes[ownAttributes.isWhole] === false) {
    return null;
  }
  const read: readonly { readonly parts: readonly SaidPart[]; readonly finish_reason?: string }[] = JSON.parse(messages);
  const lines = read.flatMap(({ parts, finish_reason: reason }) => [...parts.map(describeSaid), `finished: ${reason ?? ''}`]);
  return read.every(({ finish_reason: reason }) => reason !== undefined) ? lines.join('\n') : null;
}

function describeSaid(part: SaidPart): string {
  const { type, content, name = '', id, arguments: given } = part;
  if (type === 'tool_call') {
    return `tool call ${name}(${typeof given === 'string' ? given : JSON.stringify(given)})${typeof id === 'string' ? ` [${id}]` : ''}`;
  }
  return type === 'text' && content !== undefined ? content : JSON.stringify(part);
}

function addPieces(answer: ComparedText, pieces: readonly Piece[]): void {
  for (const { text, goesOn } of pieces) {
    answer.addLines(text, goesOn);
  }
}

/** Whether a record has content that the reader may not see. */
function isHidden({ content, attributes }: ShownRecord): boolean {
  return content === null && attributes[ownAttributes.withheld] === undefined;
}

/** The ids that are new in each run. `putInto` finds the longest first, so that none is taken for the beginning of another. */
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
 * Renames the ids of a run so that they are the same in another run that asks the same. The name of an id is made of the request in which it first appeared, or
 * whose answer it appeared in, and of its number there. So an additional request does not change other names, and different ids have different names.
 */
class Names {
  readonly #nameOf = new Map<string, string>();
  readonly #countOf = new Map<string, number>();

  /** Returns the new name of an id; the id itself if it has no name. */
  of(id: string): string {
    return this.#nameOf.get(id) ?? id;
  }

  /** Renames the ids in a text. `origin` names the request that the text answers; it is empty for a text that begins a request. */
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

/** Compares a text that comes in pieces: it keeps a hash of the whole text, and its beginning to be shown. */
class ComparedText {
  readonly #hash = createHash('sha256');
  /** The text that replaces any white space. Null: white space stays as it is. */
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

  /** Adds lines, independent of how they were divided into records. `goesOn`: the text continues the line that came last. */
  addLines(text: string, goesOn: boolean): void {
    if (text !== '') {
      this.add(this.#isLineDue && !goesOn ? `\n${text}` : text);
      this.#isLineDue = true;
    }
  }

  /** Returns the digest of the text so far. */
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
