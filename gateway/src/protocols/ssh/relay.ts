import type { Action, Attributes } from '../../domain/action.ts';
import type { HeldNotice, RequestChange } from '../../domain/channel.ts';
import { refusalOf, type Decision } from '../../domain/decision.ts';
import { GatewayError } from '../../domain/errors.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import { changeText, type TextChange } from '../../domain/text-change.ts';
import type { Output, Relay, RequestOutput } from '../../wire/relay.ts';
import { commandAttributes, sftpSubsystem, subsystemAttributes, unknownAttributes, type ActionName, forwardAttributes } from './actions.ts';
import { globalFailure, openFailure, plain } from './compose.ts';
import { exitCodes, lastWords, saying, sentence } from './failures.ts';
import { forwardType, FrameReader, type Message, parseMessage, readExitCode, readPlace, readText, readVariable } from './messages.ts';
import { OutputTexts } from './output-texts.ts';
import { changedMessages, knownBytes } from './prepared.ts';
import { SftpChannel } from './sftp/sftp-channel.ts';

/** Most bytes of what a client says of a channel before it says what is to run there. */
const preparationBytesMax = 64 * 1024;
/** The variables that a client may set at a target: of its language and its terminal, and the one that git needs. */
const variables = /^(?:LANG|LANGUAGE|LC_[A-Z_]{1,32}|TZ|COLORTERM|NO_COLOR|GIT_PROTOCOL)$/;
const variableCharactersMax = 1024;
/** Most channels that are open for the client, or that it has closed and the target has not. */
const channelsMax = 128;

export interface RelayOptions {
  readonly session: string;
  /** The user of the target. */
  readonly user: string;
  /** Why the target is not reached: nothing that a client wants to run is then run. Null: it is reached. */
  readonly unreached: GatewayError | null;
  /** The places to which the target may be asked to connect, as `HOST:PORT`. */
  readonly forwards: 'any' | readonly string[];
  /** A clock that goes on evenly, in ms. */
  readonly nowMs: () => number;
}

/** A channel of the client: first what it prepares, then what runs in it. */
interface Running {
  readonly preparation: Buffer[];
  preparedBytes: number;
  isTerminal: boolean;
  /** True if the channel leads to another place, and nothing runs in it. */
  readonly isForward: boolean;
  /** True once the target is connected to that place. */
  isOpen?: boolean;
  /** The request that said what is to run. Null: there was none, or it was refused, or what ran is over. */
  request: RunningRequest | null;
}

interface RunningRequest {
  readonly seq: number;
  readonly startedMs: number;
  readonly attributes: Attributes;
  readonly bytes: readonly Buffer[];
  readonly texts: OutputTexts | null;
  /** Null: no SFTP is spoken there. */
  readonly sftp: SftpChannel | null;
}

/** Something that a client wants to run, with the messages that say so. */
interface Wanted {
  readonly name: ActionName;
  /** The command, or the name of a subsystem. Null: it is neither. */
  readonly said: string | null;
  readonly bytes: readonly Buffer[];
  readonly isTerminal: boolean;
}

/** Settles an output that waits for its decision. */
type Settle = (decision: Decision, seq: number, changes: readonly TextChange[]) => void;

/**
 * The conversation of an SSH connection: its messages come whole and decrypted. A channel opens, is prepared (environment, terminal) and says what is to run. All that together
 * is one request, and what the client sends to it later are parts of that request.
 */
export class SshRelay implements Relay {
  readonly #options: RelayOptions;
  readonly #client = new FrameReader();
  readonly #target = new FrameReader();
  readonly #channels = new Map<number, Running>();
  #outputs: Output[] = [];
  #settle: Settle | null = null;
  /** The attributes of the newest request to run something, as it was asked for: without what policy has changed in it. */
  #attributes: Attributes = {};
  /** The channel whose request waits for people, if it does. */
  #asking: number | null = null;
  #hasClientLeft = false;
  #isClosed = false;

  constructor(options: RelayOptions) {
    this.#options = options;
  }

  /** True if operations of SFTP wait for the target. */
  get isFull(): boolean {
    for (const { request } of this.#channels.values()) {
      if (request?.sftp?.isFull === true) {
        return true;
      }
    }
    return false;
  }

  clientBytes(bytes: Buffer): void {
    this.#client.push(bytes);
  }

  upstreamBytes(bytes: Buffer): void {
    this.#target.push(bytes);
    for (let frame = this.#target.next(); frame !== null; frame = this.#target.next()) {
      this.#answer(frame);
    }
  }

  decided(decision: Decision, seq: number, changes: readonly TextChange[] = []): void {
    const settle = this.#settle;
    this.#settle = null;
    this.#asking = null;
    settle?.(decision, seq, changes);
  }

  held({ words, request }: HeldNotice): void {
    const channel = this.#asking;
    if (channel !== null) {
      const isTerminal = this.#channels.get(channel)?.isTerminal ?? false;
      const said = saying(channel, sentence({ message: words }, this.#options.session), isTerminal);
      this.#outputs.push({ type: 'response', meta: { request }, bytes: [plain('success', channel), said], continues: true });
    }
  }

  clientEnded(): void {
    this.#hasClientLeft = true;
  }

  upstreamEnded(): void {
    if (!this.#isClosed) {
      this.#sayLast(new GatewayError('target_unreachable', 'The target closed the connection.'));
      this.#close({ type: 'close', reason: 'target' });
    }
  }

  fail(error: GatewayError): void {
    this.#outputs = [];
    this.#settle = null;
    this.#sayLast(error);
    this.#close({ type: 'close', reason: error.code, error });
  }

  next(): Output | null {
    for (;;) {
      const output = this.#outputs.shift();
      if (output !== undefined || this.#isClosed) {
        return output ?? null;
      }
      const mustWait = this.#settle !== null || this.isFull;
      if (mustWait && this.#hasClientLeft) {
        // Nobody waits for the decision, or for the answer, any more.
        this.#close({ type: 'close', reason: 'client' });
        continue;
      }
      if (mustWait) {
        return null;
      }
      if (this.#takeOperation()) {
        continue;
      }
      const frame = this.#client.next();
      if (frame !== null) {
        this.#take(frame);
      } else if (this.#hasClientLeft) {
        this.#close({ type: 'close', reason: 'client' });
      } else {
        return null;
      }
    }
  }

  /** Takes a message of the client. Most of them make an output. */
  #take(frame: Buffer): void {
    const message = parseMessage(frame);
    switch (message.kind) {
      case 'open':
        if (message.type === 'session') {
          if (this.#channels.size >= channelsMax) {
            throw new GatewayError('limit_exceeded', `More than ${channelsMax} channels are open.`);
          }
          this.#channels.set(message.channel, { preparation: [frame], preparedBytes: frame.length, isTerminal: false, isForward: false, request: null });
        } else if (message.type === forwardType) {
          this.#openForward(frame, message.channel, readPlace(message.type, message.body));
        } else {
          const words = `${message.type} leads elsewhere, which is not possible through the gateway yet`;
          this.#refuse({ name: 'ssh.forward', bytes: frame, reason: `${words}: ${readPlace(message.type, message.body)}` }, [
            openFailure(message.channel, `countersign: ${words}`),
          ]);
        }
        break;
      case 'globalRequest':
        this.#refuse({ name: 'ssh.forward', bytes: frame, reason: `${message.type}: remote forwards are not possible through the gateway yet` }, [
          globalFailure,
        ]);
        break;
      case 'request':
        this.#takeRequest(frame, message);
        break;
      case 'data':
        this.#takeInput(frame, message.channel, message.bytes);
        break;
      case 'eof':
        this.#takePart(frame, message.channel, false);
        break;
      case 'close':
        this.#takePart(frame, message.channel, false);
        if (this.#channels.get(message.channel)?.request === null) {
          // Nothing runs there, so the target has nothing to say of it.
          this.#channels.delete(message.channel);
        }
        break;
      case 'login':
      case 'errorData':
      case 'success':
      case 'failure':
      case 'openFailure':
      case 'globalFailure':
        throw new GatewayError('malformed', `A client sends no message of the kind ${message.kind}.`);
      default:
        message satisfies never;
    }
  }

  #takeRequest(frame: Buffer, message: Message & { readonly kind: 'request' }): void {
    const running = this.#channels.get(message.channel);
    if (running === undefined) {
      return;
    }
    const failure = message.wantsReply ? [plain('failure', message.channel)] : [];
    switch (message.type) {
      case 'env': {
        const [name, value] = readVariable(message.body);
        if (variables.test(name) && value.length <= variableCharactersMax) {
          prepare(running, frame);
        } else {
          this.#refuse({ name: 'ssh.environment', bytes: frame, reason: 'clients set only variables of their language and their terminal' }, failure);
        }
        break;
      }
      case 'pty-req':
        prepare(running, frame);
        running.isTerminal = true;
        break;
      case 'exec':
        this.#start(frame, message.channel, running, { name: 'ssh.exec', said: readText(message.body) });
        break;
      case 'shell':
        this.#start(frame, message.channel, running, { name: 'ssh.shell', said: null });
        break;
      case 'subsystem':
        this.#start(frame, message.channel, running, { name: 'ssh.subsystem', said: readText(message.body) });
        break;
      case 'signal':
        this.#takePart(frame, message.channel, true);
        break;
      case 'window-change':
        this.#takePart(frame, message.channel, false);
        break;
      case 'x11-req':
      case 'auth-agent-req@openssh.com':
        this.#refuse({ name: 'ssh.forward', bytes: frame, reason: `${message.type}: an agent or a display is never forwarded` }, failure);
        break;
      default:
        this.#respond(failure, undefined);
    }
  }

  /** Asks whether something may run in a channel. The preparation of the channel belongs to the request. */
  #start(
    frame: Buffer,
    channel: number,
    running: Running,
    { name, said }: { readonly name: 'ssh.exec' | 'ssh.shell' | 'ssh.subsystem'; readonly said: string | null },
  ): void {
    if (running.preparation.length === 0) {
      throw new GatewayError('malformed', 'In a channel of SSH something runs once.');
    }
    const bytes = [...running.preparation.splice(0), frame];
    this.#asking = channel;
    const output = this.#request({ name, said, bytes, isTerminal: running.isTerminal });
    this.#ask(output, (decision, seq, changes) => {
      const { unreached, session } = this.#options;
      if (decision.verdict === 'allow') {
        const sftp = name === 'ssh.subsystem' && said === sftpSubsystem ? new SftpChannel(channel, session) : null;
        const texts = changes.length === 0 ? null : new OutputTexts(channel, changes, running.isTerminal);
        running.request = { seq, startedMs: this.#options.nowMs(), attributes: this.#attributes, bytes, texts, sftp };
      } else {
        this.#end(channel, seq, unreached ?? refusalOf(decision), unreached === null ? exitCodes.refused : exitCodes.failed);
      }
    });
  }

  #request({ name, said, bytes, isTerminal }: Wanted): RequestOutput {
    const { unreached, user } = this.#options;
    const attributes = {
      [ownAttributes.targetUser]: user,
      ...(said === null ? unknownAttributes : name === 'ssh.subsystem' ? subsystemAttributes(said) : commandAttributes(said)),
      ...(isTerminal ? { 'process.interactive': true } : {}),
    };
    const text: Pick<Action, 'text'> =
      name === 'ssh.exec' && said !== null ? { text: () => ({ pieces: [{ role: 'client', text: said }], isWhole: true }) } : {};
    this.#attributes = attributes;
    const action: Action = { name, attributes, known: () => knownBytes(bytes), ...text };
    if (unreached !== null) {
      return { type: 'request', action, bytes, refused: unreached.message };
    }
    return {
      type: 'request',
      action,
      bytes,
      change: (change) => {
        const changed = changedMessages(bytes, change.texts);
        const { change: _done, ...output } = this.#request({ name, said: name === 'ssh.exec' ? commandIn(changed) : said, bytes: changed, isTerminal });
        return { ...output, relation: { change } };
      },
    };
  }

  /** Asks whether the target may connect to a place for the client. */
  #openForward(frame: Buffer, channel: number, place: string): void {
    const { forwards, unreached, user } = this.#options;
    if (this.#channels.size >= channelsMax) {
      throw new GatewayError('limit_exceeded', `More than ${channelsMax} channels are open.`);
    }
    const running: Running = { preparation: [], preparedBytes: 0, isTerminal: false, isForward: true, request: null };
    this.#channels.set(channel, running);
    const attributes = { [ownAttributes.targetUser]: user, ...forwardAttributes(place) };
    this.#attributes = attributes;
    const action: Action = { name: 'ssh.forward', attributes, known: () => knownBytes([frame]) };
    const isNamed = forwards === 'any' || forwards.includes(place);
    const refused = unreached?.message ?? (isNamed ? null : `the option forwards of the target does not name ${place}`);
    const reason = 'policy changes texts of requests, and what goes over a forward cannot be changed';
    const output: RequestOutput = { type: 'request', action, bytes: [frame] };
    // The place is in the facts of a request, so one with a value that is masked has none.
    const changed = (change: RequestChange): RequestOutput =>
      changeText(change.texts, place) === place
        ? { ...output, relation: { change } }
        : { ...output, action: { name: 'ssh.forward', attributes: { [ownAttributes.targetUser]: user, ...unknownAttributes } }, refused: reason };
    this.#ask(refused === null ? { ...output, change: changed } : { ...output, refused }, (decision, seq, changes) => {
      if (decision.verdict !== 'allow') {
        this.#end(channel, seq, unreached ?? refusalOf(decision), exitCodes.refused);
        return;
      }
      changes.forEach(({ look }) => look?.missed());
      running.request = { seq, startedMs: this.#options.nowMs(), attributes, bytes: [frame], texts: null, sftp: null };
      if (changes.some(({ look }) => look === undefined)) {
        this.#end(
          channel,
          seq,
          new GatewayError('refused', 'Policy changes texts of answers, and what comes over a forward cannot be changed.'),
          exitCodes.refused,
        );
        this.#ask({ type: 'request', action, bytes: [plain('close', channel)], relation: { partOf: seq }, byGateway: true }, () => undefined);
      }
    });
  }

  /** Takes input. That of SFTP is operations, which are asked about one by one. */
  #takeInput(frame: Buffer, channel: number, bytes: Buffer): void {
    const request = this.#channels.get(channel)?.request ?? null;
    const sftp = request?.sftp ?? null;
    if (sftp === null) {
      const waited = request?.texts?.typed(bytes) ?? [];
      if (request !== null && waited.length > 0) {
        this.#outputs.push({ type: 'response', meta: { request: request.seq }, bytes: waited, continues: true });
      }
      this.#takePart(frame, channel, true, bytes.toString());
    } else {
      sftp.clientBytes(bytes);
    }
  }

  /** Asks about the next operation of SFTP. Returns false if no channel has one. */
  #takeOperation(): boolean {
    for (const [channel, { request }] of this.#channels) {
      const asked = request?.sftp?.next() ?? null;
      if (asked !== null) {
        this.#asking = channel;
        this.#ask(asked.output, (decision, seq, changes) => {
          this.#outputs.push(...asked.settle(decision, seq, changes));
        });
        return true;
      }
    }
    return false;
  }

  /**
   * Takes a message about what runs in a channel. Policy is asked about input and signals. That the client ends, or that its window has another size, does nothing at the target
   * that would have to be allowed.
   */
  #takePart(frame: Buffer, channel: number, isDecided: boolean, typed = ''): void {
    const running = this.#channels.get(channel);
    const request = running?.request ?? null;
    if (request === null) {
      return;
    }
    const relation = { partOf: request.seq };
    const action: Action = { name: 'ssh.input', attributes: request.attributes, known: () => knownBytes([...request.bytes, frame]) };
    const output: RequestOutput = { type: 'request', action, bytes: [frame], relation };
    // A text may begin in one message and end in another, so none is changed. What somebody types at a terminal comes letter by letter, and passes unless a message has a whole value.
    const reason = 'policy changes texts of what is sent to a program, and those of input cannot be changed';
    const changed = (change: RequestChange): RequestOutput =>
      running?.isTerminal === true && changeText(change.texts, typed) === typed
        ? { ...output, relation: { ...relation, change } }
        : { ...output, refused: reason };
    const asked: RequestOutput = isDecided ? { ...output, change: changed } : { ...output, byGateway: true };
    this.#ask(asked, (decision, seq) => {
      if (decision.verdict !== 'allow') {
        this.#end(channel, seq, refusalOf(decision), exitCodes.refused);
        this.#ask({ type: 'request', action, bytes: [plain('close', channel)], relation, byGateway: true }, () => undefined);
      }
    });
  }

  /** Ends a channel in words of the gateway. */
  #end(channel: number, request: number, error: GatewayError, code: number): void {
    const running = this.#channels.get(channel);
    if (running === undefined) {
      return;
    }
    this.#channels.delete(channel);
    this.#outputs.push(...(running.request?.sftp?.ended() ?? []));
    const said = sentence(error, this.#options.session);
    const attributes = { 'error.type': error.code, ...(running.isForward ? {} : { 'process.exit.code': code }) };
    if (running.isForward) {
      const last = running.isOpen ? plain('close', channel) : openFailure(channel, said);
      this.#outputs.push({ type: 'response', meta: { request, attributes }, bytes: [last], continues: false, isEnd: true });
      return;
    }
    const words = lastWords(channel, said, { code, isTerminal: running.isTerminal });
    this.#outputs.push({ type: 'response', meta: { request, attributes }, bytes: [plain('success', channel), ...words], continues: false, isEnd: true });
  }

  /** Records something as refused, and answers it. */
  #refuse({ name, bytes, reason }: { readonly name: ActionName; readonly bytes: Buffer; readonly reason: string }, answer: readonly Buffer[]): void {
    this.#ask(
      {
        type: 'request',
        action: { name, attributes: { [ownAttributes.targetUser]: this.#options.user, ...unknownAttributes } },
        bytes: [bytes],
        refused: reason,
      },
      (_decision, seq) => {
        this.#respond(answer, seq);
      },
    );
  }

  #respond(bytes: readonly Buffer[], request: number | undefined): void {
    if (bytes.length > 0) {
      this.#outputs.push({ type: 'response', meta: request === undefined ? {} : { request }, bytes, continues: false });
    }
  }

  #ask(output: RequestOutput, settle: Settle): void {
    this.#outputs.push(output);
    this.#settle = settle;
  }

  /** Takes a message of the target. One about a channel that is over for the client goes nowhere. */
  #answer(frame: Buffer): void {
    const message = parseMessage(frame);
    const channel = 'channel' in message ? message.channel : -1;
    const running = this.#channels.get(channel);
    const request = running?.request ?? null;
    if (this.#isClosed || running === undefined || request === null) {
      return;
    }
    if (message.kind === 'failure') {
      const words = running.isForward ? 'The target could not connect there, or does not allow it.' : 'The target refused to run this.';
      this.#end(channel, request.seq, new GatewayError('refused', words), exitCodes.failed);
      return;
    }
    if (message.kind === 'data' && request.sftp !== null) {
      this.#outputs.push(...request.sftp.targetBytes(message.bytes));
      return;
    }
    if (message.kind === 'success') {
      running.isOpen = true;
    }
    const isEnd = message.kind === 'close';
    if (isEnd) {
      this.#channels.delete(channel);
      this.#outputs.push(...(request.sftp?.ended() ?? []));
    }
    const bytes = request.texts?.take(message, frame) ?? [frame];
    const attributes = {
      ...(message.kind === 'request' && message.type === 'exit-status' ? { 'process.exit.code': readExitCode(message.body) } : {}),
      ...(isEnd ? { [ownAttributes.durationMs]: Math.round(this.#options.nowMs() - request.startedMs) } : {}),
    };
    if (bytes.length > 0) {
      this.#outputs.push({ type: 'response', meta: { request: request.seq, attributes }, bytes, continues: !isEnd, ...(isEnd ? { isEnd } : {}) });
    }
  }

  /** Says in every channel in which something runs why it is over. */
  #sayLast(error: GatewayError): void {
    for (const [channel, { request }] of this.#channels) {
      if (request !== null) {
        this.#end(channel, request.seq, error, exitCodes.failed);
      }
    }
  }

  #close(output: Output & { readonly type: 'close' }): void {
    this.#isClosed = true;
    this.#outputs.push(output);
  }
}

function commandIn(frames: readonly Buffer[]): string | null {
  const last = frames.at(-1);
  const message = last === undefined ? null : parseMessage(last);
  return message?.kind === 'request' && message.type === 'exec' ? readText(message.body) : null;
}

function prepare(running: Running, frame: Buffer): void {
  running.preparedBytes += frame.length;
  if (running.preparedBytes > preparationBytesMax) {
    throw new GatewayError('limit_exceeded', `What a client says of a channel before something runs in it has more than ${preparationBytesMax} bytes.`);
  }
  if (running.preparation.length > 0) {
    running.preparation.push(frame);
  }
}
