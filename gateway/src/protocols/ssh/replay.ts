import { GatewayError } from '../../domain/errors.ts';
import type { Grant } from '../../domain/grant.ts';
import type { Asked, RecordedRequest, RecordedTarget, RequestKey, StreamReplay } from '../../domain/replay.ts';
import type { Upstream } from '../../domain/upstream.ts';
import { sftpPrefix, sftpSubsystem } from './actions.ts';
import { plain } from './compose.ts';
import { lastWords, exitCodes, sentence } from './failures.ts';
import { MessageFlow } from './message-flow.ts';
import { parseMessage, readMessages, readText, type Message } from './messages.ts';
import { keyOfOperation, recordedAnswer } from './sftp/replay.ts';

/** Recorded answers are found by what runs; what a client sends to it does not count. */
export const replay: StreamReplay = {
  keys: () => keyOf,
  partsHaveNoAnswer: true,
  differ: (recorded, asked) => (recorded === asked ? null : { at: 'command', recorded, asked, nearness: nearnessOf(recorded, asked) }),
  connect: (recorded, asked) => new RecordedTargetSide(recorded, asked),
};

/** Takes the place of a target: it gives each command the output that it had. It speaks no SSH, because nobody is between it and the gateway. */
export class RecordedTargetSide extends MessageFlow<never> implements Upstream {
  readonly isEncrypted = false;
  readonly closed: Promise<void>;
  readonly #recorded: RecordedTarget;
  #resolveClosed: () => void;
  /** Each channel of SFTP, with the function that says that its client has ended. */
  readonly #sftp = new Map<number, () => void>();
  #isOver = false;

  /** Throws GatewayError `not_recorded`. */
  constructor(recorded: RecordedTarget, asked: Asked) {
    super(null);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    this.#resolveClosed = resolve;
    this.#recorded = recorded;
    const key = keyOf(asked);
    if (key !== null) {
      recorded.take(key, asked);
    }
  }

  forward(grant: Grant): void {
    const bytes = Buffer.concat(grant.spend());
    const messages = readMessages([bytes]);
    const started = messages.find(isStart);
    const [first] = messages;
    if (started !== undefined) {
      const ended = Promise.withResolvers<void>();
      if (started.type === 'subsystem' && textOf(started.body) === sftpSubsystem) {
        this.#sftp.set(started.channel, ended.resolve);
      } else {
        ended.resolve();
      }
      void this.#answer(started.channel, bytes, ended.promise);
    } else if (first?.kind === 'data' && this.#sftp.has(first.channel)) {
      void this.#answerOperation(first.channel, bytes);
    } else if (first?.kind === 'eof' || first?.kind === 'close') {
      this.#sftp.get(first.channel)?.();
    }
  }

  async read(): Promise<null> {
    return Promise.resolve(null);
  }

  unread(): void {
    // Nothing was read.
  }

  greet(): void {
    // Nothing is sent anywhere.
  }

  async startTls(): Promise<void> {
    return Promise.resolve();
  }

  tlsServerEndPoint(): null {
    return null;
  }

  end(): void {
    this.destroy();
  }

  destroy(): void {
    this.#isOver = true;
    this.#resolveClosed();
  }

  async #answerOperation(channel: number, bytes: Buffer): Promise<void> {
    for await (const frame of recordedAnswer(this.#recorded, channel, bytes)) {
      if (!this.#isOver) {
        this.receive(frame);
      }
    }
  }

  /** Gives the recorded answer, with the number that the channel has now. SFTP goes on until the client has ended. */
  async #answer(channel: number, bytes: Buffer, ended: Promise<void>): Promise<void> {
    let isWhole = false;
    try {
      const asked = { action: actionOf(bytes), bytes };
      const request: RecordedRequest = this.#recorded.take(keyOf(asked) ?? connectKey, asked);
      for await (const { content } of request.answer()) {
        for (const frame of framesOf(content, channel)) {
          if (parseMessage(frame).kind !== 'success') {
            await ended;
          }
          if (!this.#isOver) {
            this.receive(frame);
          }
          isWhole = parseMessage(frame).kind === 'close';
        }
      }
      if (!isWhole && !this.#isOver) {
        throw new GatewayError('not_recorded', 'The recording ends before this had ended.');
      }
    } catch (error) {
      const known = error instanceof GatewayError ? error : new GatewayError('store_damaged', 'The recording cannot be read any more.', { cause: error });
      for (const frame of [plain('success', channel), ...lastWords(channel, sentence(known, null), { code: exitCodes.failed, isTerminal: false })]) {
        this.receive(frame);
      }
    }
  }
}

const connectKey: RequestKey = { text: 'connect', ids: [] };

/** Returns the key of a request: an operation of SFTP, or what runs, with its environment and its terminal. Null: it starts nothing. */
function keyOf({ action, bytes }: Asked): RequestKey | null {
  if (action.startsWith(sftpPrefix)) {
    return sftpKeyOf(bytes);
  }
  const messages = messagesIn(bytes);
  if (messages.some(({ kind }) => kind === 'login')) {
    return connectKey;
  }
  const start = messages.find(isStart);
  return start === undefined
    ? null
    : { text: start.type === 'shell' ? start.type : `${start.type === 'subsystem' ? 'subsystem ' : ''}${textOf(start.body)}`, ids: [] };
}

function sftpKeyOf(bytes: Buffer): RequestKey | null {
  try {
    return keyOfOperation(bytes);
  } catch {
    // As below: such bytes were no operation.
    return null;
  }
}

function messagesIn(bytes: Buffer): readonly Message[] {
  try {
    return readMessages([bytes]);
  } catch {
    // A recording may hold any bytes; those that are no messages were no request of a client.
    return [];
  }
}

function textOf(body: Buffer): string {
  try {
    return readText(body);
  } catch {
    return '';
  }
}

type Start = Message & { readonly kind: 'request' };

function isStart(message: Message): message is Start {
  return message.kind === 'request' && ['exec', 'shell', 'subsystem'].includes(message.type);
}

function actionOf(bytes: Buffer): string {
  const type = readMessages([bytes]).find(isStart)?.type ?? '';
  return `ssh.${type}`;
}

/** Returns the frames in a recorded answer, with the number of another channel: it stands behind the length and the number of the message. */
function framesOf(content: Buffer, channel: number): readonly Buffer[] {
  const frames: Buffer[] = [];
  for (let at = 0; at < content.length;) {
    const end = at + 4 + content.readUInt32BE(at);
    const frame = Buffer.from(content.subarray(at, end));
    frame.writeUInt32BE(channel, 5);
    frames.push(frame);
    at = end;
  }
  return frames;
}

/** Says how much of two commands is the same from their beginning on. */
function nearnessOf(recorded: string, asked: string): number {
  const longest = Math.max(recorded.length, asked.length);
  let same = 0;
  while (same < longest && recorded[same] === asked[same]) {
    same += 1;
  }
  return longest === 0 ? 1 : same / longest;
}
