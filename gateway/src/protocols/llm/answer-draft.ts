import type { Attributes } from '../../domain/action.ts';
import { JsonEnd } from './json-end.ts';
import { presentAttributes } from './parameters.ts';
import { shortened } from './shortened.ts';
import { type Message, type Part, toolCall } from './transcript.ts';

/** Counts of tokens. Later counts of a stream replace earlier ones. */
export interface Usage {
  /** All input tokens, including those from a cache. */
  readonly input?: number | undefined;
  /** Input that did not come from a cache, for providers that count cached input separately. */
  readonly uncachedInput?: number | undefined;
  /** All output tokens, including those of reasoning. */
  readonly output?: number | undefined;
  readonly cacheRead?: number | undefined;
  readonly cacheCreation?: number | undefined;
  readonly reasoning?: number | undefined;
}

export interface CallPiece {
  readonly id?: string | undefined;
  readonly name?: string | undefined;
  readonly arguments?: string | undefined;
  /** A provider's id by which further pieces may name the call instead of its key. */
  readonly item?: string | undefined;
  /** True if the provider says that a call begins here. */
  readonly begins?: boolean;
}

interface WholeCall extends CallPiece {
  /** True if the arguments also came in pieces before. */
  readonly cameInPieces: boolean;
}

/** `tool_call`: the client runs the tool. `server_tool_call`: the provider runs it itself. */
type CallType = 'tool_call' | 'server_tool_call';

interface PartDraft {
  readonly type: 'text' | 'reasoning' | CallType;
  content: string;
  id: string | undefined;
  name: string;
  item: string | undefined;
  /** Follows the arguments of a call, and knows when they are whole JSON. */
  readonly end: JsonEnd;
}

interface Choice {
  readonly parts: (PartDraft | Part)[];
  /** For each key, the part to which the next piece under that key is added. */
  readonly open: Map<string, PartDraft>;
  /** Find the first call of each type and id, and the first call of each item. They are maps because an answer may have a thousand calls and a million pieces, each for any of them. */
  readonly calls: Map<string, PartDraft>;
  readonly items: Map<string, PartDraft>;
  lastKey: string;
  finishReason: string | undefined;
}

/** Most characters that are kept: of all text, and of the arguments of all tool calls. */
export interface KeptCharacters {
  readonly text: number;
  readonly arguments: number;
}

export interface AnswerError {
  readonly type: string | undefined;
  readonly message: string | undefined;
}

const usageNames = ['input', 'uncachedInput', 'output', 'cacheRead', 'cacheCreation', 'reasoning'] as const;

/** The name that the conventions give to an error without a name. */
const otherError = '_OTHER';
/** Matches the name of an error. Another text may quote the prompt, which must be in no fact. */
const errorTypeForm = /^[\w.:/-]{1,128}$/;
/** Most parts of one answer, over all its choices. Further parts are only counted. */
const partsMax = 1024;
const choicesMax = 128;
const messageCharactersMax = 64 * 1024;
const nameCharactersMax = 1024;

/**
 * Collects an answer of a model, from a whole document or from the events of a stream. A `Shape` puts in what it finds; facts and messages
 * are read out. Memory is bounded.
 */
export class AnswerDraft {
  readonly #choices = new Map<number, Choice>();
  readonly #isFragment: boolean;
  #textLeft: number;
  #argumentsLeft: number;
  #partsLeft = partsMax;
  #id: string | undefined;
  #model: string | undefined;
  #conversation: string | undefined;
  readonly #usage: { -readonly [Name in keyof Usage]: Usage[Name] } = {};
  #error: AnswerError | null = null;
  #lost = 0;
  #said = 0;
  #cut = 0;
  #isTextCut = false;

  /** `isFragment`: the draft gets only some events of a stream, and earlier events are not among them. */
  constructor(kept: KeptCharacters, isFragment = false) {
    this.#isFragment = isFragment;
    this.#textLeft = kept.text;
    this.#argumentsLeft = kept.arguments;
  }

  /** Number of choices and parts that exceeded a limit and are missing from the facts. */
  get lost(): number {
    return this.#lost;
  }

  /** Number of pieces of arguments that are not kept whole. */
  get cut(): number {
    return this.#cut;
  }

  /** True if the messages lack text or parts because the limit of characters was reached. */
  get isTextCut(): boolean {
    return this.#isTextCut;
  }

  get error(): AnswerError | null {
    return this.#error;
  }

  /** Number of characters of texts and of arguments that came, kept or not. */
  get said(): number {
    return this.#said;
  }

  identify(names: { readonly id?: string | undefined; readonly model?: string | undefined; readonly conversation?: string | undefined }): void {
    this.#id = cutName(names.id) ?? this.#id;
    this.#model = cutName(names.model) ?? this.#model;
    this.#conversation = cutName(names.conversation) ?? this.#conversation;
  }

  count(usage: Usage): void {
    for (const name of usageNames) {
      this.#usage[name] = usage[name] ?? this.#usage[name];
    }
  }

  /** Forgets the tokens and the characters so far, because what was counted of them was told elsewhere. */
  forgetUsage(): void {
    this.#said = 0;
    for (const name of usageNames) {
      this.#usage[name] = undefined;
    }
  }

  finish(choice: number, reason: string | undefined): void {
    const finished = reason === undefined || reason === '' ? null : this.#choice(choice);
    if (finished !== null) {
      finished.finishReason = cutName(reason);
    }
  }

  /** Notes an error. The first type and the first message are kept: one may come in a header and the other in the body. */
  fail(type: string | undefined, message: string | undefined): void {
    this.#error = { type: this.#error?.type ?? errorType(type), message: this.#error?.message ?? cutMessage(message) };
  }

  /** Gives a key, for providers that do not number parts: the key of the last part if that is of this type, otherwise a new key. */
  keyFor(choice: number, type?: 'text' | 'reasoning'): string {
    const known = this.#choices.get(choice);
    return known !== undefined && type !== undefined && known.open.get(known.lastKey)?.type === type ? known.lastKey : `part ${known?.parts.length ?? 0}`;
  }

  /** Adds text to the part that this choice has under `key`, or begins that part. */
  append(choice: number, key: string, type: 'text' | 'reasoning', content: string | undefined): void {
    this.#said += content?.length ?? 0;
    this.#isTextCut ||= (content?.length ?? 0) > this.#textLeft;
    if (content !== undefined && content !== '' && this.#textLeft > 0) {
      const part = this.#part(choice, key, type);
      const kept = content.slice(0, this.#textLeft);
      this.#textLeft -= kept.length;
      if (part !== null) {
        part.content += kept;
      }
    }
  }

  /**
   * Begins a tool call, or adds to it: the name comes once, the arguments come in pieces. Some servers give parallel calls no index, or all the
   * same index. Therefore a new id, another name, or more text after arguments that are whole JSON begins another call.
   */
  call(choice: number, key: string, piece: CallPiece, type: CallType = 'tool_call'): void {
    this.#said += piece.arguments?.length ?? 0;
    const part = this.#callPart(choice, key, piece, type);
    if (part === null) {
      return;
    }
    const given = piece.arguments ?? '';
    const kept = given.slice(0, this.#argumentsLeft);
    this.#cut += kept.length < given.length ? 1 : 0;
    this.#argumentsLeft -= kept.length;
    part.content += kept;
    part.end.push(given);
    part.name = part.name === '' ? (cutName(piece.name) ?? '') : part.name;
    part.item ??= cutName(piece.item);
    keepFirst(this.#choices.get(choice)?.items, part.item, part);
  }

  /** Adds a piece of arguments to a call of either type. If the beginning of the call was not seen, as in a fragment of a stream, the call has no name. */
  continueCall(choice: number, key: string, pieceOfArguments: string | undefined, item?: string): void {
    const isByServer = this.#known(choice, key, item)?.type === 'server_tool_call';
    this.call(choice, key, { arguments: pieceOfArguments, item }, isByServer ? 'server_tool_call' : 'tool_call');
  }

  /** Takes the end of a call, which states the whole call again. Arguments that are known do not change. In a fragment without the beginning of the call, arguments are added only if they did not come in pieces. */
  completeCall(choice: number, key: string, whole: WholeCall, type: CallType): void {
    const known = this.#known(choice, key, whole.item);
    if (this.#isFragment && (known === undefined || known.name === '')) {
      if (!whole.cameInPieces) {
        this.call(choice, key, { arguments: whole.arguments }, type);
      }
      return;
    }
    const isKnown = known?.type === type && known.id === cutName(whole.id) && known.content !== '';
    this.call(choice, key, isKnown ? { ...whole, arguments: undefined } : whole, type);
  }

  /** Adds a part that comes whole and is not text. */
  put(choice: number, part: Part): void {
    const into = this.#textLeft > 0 ? this.#choice(choice) : null;
    this.#isTextCut ||= this.#textLeft === 0;
    if (into !== null && this.#takePlace()) {
      into.parts.push(part);
      into.lastKey = '';
    }
  }

  /** The facts, under the names of OpenTelemetry's GenAI conventions. Tool calls are given as three lists of equal length. */
  facts(): Attributes {
    const choices = this.#inOrder();
    const calls = choices.flatMap(({ parts }) => parts.filter(isDraft).filter((part) => part.type === 'tool_call'));
    const reasons = choices.flatMap(({ finishReason }) => (finishReason === undefined ? [] : [finishReason]));
    const { uncachedInput, cacheRead, cacheCreation, output, reasoning } = this.#usage;
    const input = this.#usage.input ?? (uncachedInput === undefined ? undefined : uncachedInput + (cacheRead ?? 0) + (cacheCreation ?? 0));
    return presentAttributes({
      'gen_ai.response.id': this.#id,
      'gen_ai.response.model': this.#model,
      'gen_ai.conversation.id': this.#conversation,
      'gen_ai.response.finish_reasons': reasons.length === 0 ? undefined : reasons,
      'gen_ai.usage.input_tokens': input,
      'gen_ai.usage.output_tokens': output,
      'gen_ai.usage.cache_read.input_tokens': cacheRead,
      'gen_ai.usage.cache_creation.input_tokens': cacheCreation,
      'gen_ai.usage.reasoning.output_tokens': reasoning,
      ...(calls.length === 0
        ? {}
        : {
            'gen_ai.tool.name': calls.map(({ name }) => name),
            'gen_ai.tool.call.id': calls.map(({ id }) => id ?? ''),
            'gen_ai.tool.call.arguments': calls.map(({ content }) => content),
          }),
      'error.type': this.#error === null ? undefined : (this.#error.type ?? otherError),
    });
  }

  messages(): Message[] {
    return this.#inOrder().map(({ parts, finishReason }) => ({
      role: 'assistant',
      parts: parts.map((part) => (isDraft(part) ? finishedPart(part) : part)),
      ...(finishReason === undefined ? {} : { finish_reason: finishReason }),
    }));
  }

  #inOrder(): Choice[] {
    return [...this.#choices].toSorted(([a], [b]) => a - b).map(([, choice]) => choice);
  }

  #choice(index: number): Choice | null {
    const known = this.#choices.get(index);
    if (known !== undefined) {
      return known;
    }
    if (this.#choices.size >= choicesMax) {
      this.#lost += 1;
      return null;
    }
    const choice: Choice = { parts: [], open: new Map(), calls: new Map(), items: new Map(), lastKey: '', finishReason: undefined };
    this.#choices.set(index, choice);
    return choice;
  }

  /** Returns the part that is open under the key if it is of this type, otherwise begins a new one. Null past the limit. */
  #part(index: number, givenKey: string, type: PartDraft['type']): PartDraft | null {
    const key = shortened(givenKey, nameCharactersMax);
    const choice = this.#choice(index);
    const known = choice?.open.get(key);
    return known?.type === type ? known : this.#begin(choice, key, { type, id: undefined, name: '' });
  }

  /** Returns the call that a piece belongs to, or begins it. Null past the limit. */
  #callPart(index: number, givenKey: string, piece: CallPiece, type: CallType): PartDraft | null {
    const key = shortened(givenKey, nameCharactersMax);
    const choice = this.#choice(index);
    const [id, name] = [cutName(piece.id), cutName(piece.name)];
    const known = this.#known(index, key, piece.item);
    const sameId = id === undefined || known?.id === id ? undefined : choice?.calls.get(`${type} ${id}`);
    if (sameId !== undefined) {
      if (choice !== null && (choice.open.size < partsMax || choice.open.has(key))) {
        choice.open.set(key, sameId);
      }
      return sameId;
    }
    if (known?.type !== type || !isContinuedBy(known, piece)) {
      return this.#begin(choice, key, { type, id, name: name ?? (known?.type === type && id === undefined && known.end.isOver ? known.name : '') });
    }
    known.id ??= id;
    keepFirst(choice?.calls, known.id === undefined ? undefined : `${type} ${known.id}`, known);
    return known;
  }

  #known(index: number, key: string, item: string | undefined): PartDraft | undefined {
    const choice = this.#choices.get(index);
    const named = item === undefined ? undefined : choice?.items.get(shortened(item, nameCharactersMax));
    return named ?? choice?.open.get(shortened(key, nameCharactersMax));
  }

  #begin(choice: Choice | null, key: string, { type, id, name }: Pick<PartDraft, 'type' | 'id' | 'name'>): PartDraft | null {
    if (choice === null || !this.#takePlace()) {
      return null;
    }
    const part: PartDraft = { type, content: '', id, name, item: undefined, end: new JsonEnd() };
    choice.parts.push(part);
    choice.open.set(key, part);
    keepFirst(choice.calls, id === undefined ? undefined : `${type} ${id}`, part);
    choice.lastKey = key;
    return part;
  }

  #takePlace(): boolean {
    if (this.#partsLeft === 0) {
      this.#lost += 1;
      return false;
    }
    this.#partsLeft -= 1;
    return true;
  }
}

function keepFirst(parts: Map<string, PartDraft> | undefined, key: string | undefined, part: PartDraft): void {
  if (key !== undefined && parts?.has(key) === false) {
    parts.set(key, part);
  }
}

/** True if a piece under the same key belongs to this call. */
function isContinuedBy(call: PartDraft, piece: CallPiece): boolean {
  const [id, name] = [cutName(piece.id), cutName(piece.name)];
  const hasMore = piece.arguments !== undefined && piece.arguments.trim() !== '';
  return (
    piece.begins !== true &&
    (id === undefined || call.id === undefined || call.id === id) &&
    (name === undefined || call.name === '' || call.name === name) &&
    !(call.end.isOver && hasMore)
  );
}

function isDraft(part: PartDraft | Part): part is PartDraft {
  return 'content' in part && 'name' in part;
}

function finishedPart({ type, content, id, name }: PartDraft): Part {
  return type === 'text' || type === 'reasoning' ? { type, content } : toolCall({ id, name, arguments: content }, type === 'server_tool_call');
}

function errorType(type: string | undefined): string | undefined {
  return type === undefined || type === '' ? undefined : errorTypeForm.test(type) ? type : otherError;
}

function cutMessage(message: string | undefined): string | undefined {
  return message !== undefined && message.length > messageCharactersMax ? `${shortened(message, messageCharactersMax)}…` : message;
}

/** Shortens a name to the limit. Undefined for an empty name: some servers send one before they know the name. */
function cutName(name: string | undefined): string | undefined {
  return name === undefined || name === '' ? undefined : shortened(name, nameCharactersMax);
}
