import { StringDecoder } from 'node:string_decoder';
import { GatewayError } from '../../domain/errors.ts';
import { TerminalText } from '../../content/terminal-text.ts';
import { beginText, type TextChange, type TextStream } from '../../domain/text-change.ts';
import { data, errorData } from './compose.ts';
import { messageBytesMax, type Message } from './messages.ts';

/** Longest data of one message, in bytes. */
const dataBytesMax = 32 * 1024;

type StreamKind = 'data' | 'errorData';

interface OutputText {
  readonly text: TextStream;
  readonly decoder: TextDecoder | StringDecoder;
}

/** The texts of what runs in a channel, as they are looked at, and as they are changed where policy masks values in them. Standard output and error are a text each. */
export class OutputTexts {
  readonly #channel: number;
  readonly #changes: readonly TextChange[];
  /** False: the texts are only looked at, and each message passes as it came. */
  readonly #isChanged: boolean;
  /** The text of a terminal, in which what is masked keeps its columns. Null: there is no terminal, or nothing is changed. */
  readonly #terminal: TerminalText | null;
  readonly #texts: Readonly<Record<StreamKind, OutputText>>;
  #hasEnded = false;

  constructor(channel: number, changes: readonly TextChange[], isTerminal: boolean) {
    this.#channel = channel;
    this.#changes = changes;
    this.#isChanged = changes.some(({ look }) => look === undefined);
    this.#terminal = isTerminal && this.#isChanged ? new TerminalText(changes) : null;
    const begin = (text: TextStream): OutputText => ({
      text,
      decoder: this.#isChanged ? new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }) : new StringDecoder('utf8'),
    });
    this.#texts = { data: begin(this.#terminal ?? beginText(changes, messageBytesMax)), errorData: begin(beginText(changes, messageBytesMax)) };
  }

  /** Returns the messages that the client gets for one of the target. Throws GatewayError `refused` if output that must be changed is no text, and `limit_exceeded`. */
  take(message: Message, frame: Buffer): readonly Buffer[] {
    if (message.kind === 'data' || message.kind === 'errorData') {
      const changed = this.#push(message.kind, message.bytes);
      return this.#isChanged ? this.#messages(message.kind, changed) : [frame];
    }
    if (message.kind === 'success' || this.#hasEnded) {
      return [frame];
    }
    // The target says how it has ended after all output.
    this.#hasEnded = true;
    const rest = (['data', 'errorData'] as const).flatMap((kind) => this.#messages(kind, this.#end(kind)));
    return this.#isChanged ? [...rest, frame] : [frame];
  }

  /** Notes what was typed in a terminal. Returns the messages that the client gets for it: what had waited. */
  typed(bytes: Buffer): readonly Buffer[] {
    return this.#terminal === null ? [] : this.#messages('data', this.#terminal.typed(bytes.toString()));
  }

  #push(kind: StreamKind, bytes: Buffer): string {
    const { text, decoder } = this.#texts[kind];
    return text.push(this.#decoded(() => (decoder instanceof StringDecoder ? decoder.write(bytes) : decoder.decode(bytes, { stream: true }))));
  }

  #end(kind: StreamKind): string {
    const { text, decoder } = this.#texts[kind];
    const last = text.push(this.#decoded(() => (decoder instanceof StringDecoder ? decoder.end() : decoder.decode())));
    return last + text.end();
  }

  #decoded(decode: () => string): string {
    try {
      const text = decode();
      if (!this.#isChanged && text.includes('\u{fffd}')) {
        this.#changes.forEach(({ look }) => look?.missed());
      }
      return text;
    } catch (cause) {
      throw new GatewayError('refused', 'Policy changes texts of this answer, and it is no text in UTF-8.', { cause });
    }
  }

  #messages(kind: StreamKind, text: string): readonly Buffer[] {
    const bytes = Buffer.from(text);
    const compose = kind === 'data' ? data : errorData;
    return Array.from({ length: Math.ceil(bytes.length / dataBytesMax) }, (_, i) =>
      compose(this.#channel, bytes.subarray(i * dataBytesMax, (i + 1) * dataBytesMax)),
    );
  }
}
