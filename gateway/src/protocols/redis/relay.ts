import type { Action, Attributes } from '../../domain/action.ts';
import type { HeldNotice, RequestChange } from '../../domain/channel.ts';
import { refusalOf, type Decision } from '../../domain/decision.ts';
import { GatewayError } from '../../domain/errors.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import type { Slices, TextChange } from '../../domain/text-change.ts';
import { changedBytes } from '../../content/changed-bytes.ts';
import { inTurns } from '../../content/in-turns.ts';
import { pause, type Output, type Pause, type Relay, type RequestOutput } from '../../wire/relay.ts';
import { actionOf, commandAttributes, connectionAttributes } from './actions.ts';
import { nameOf, word } from './command-facts.ts';
import { CommandReader, printCommand, type Command } from './command-reader.ts';
import { bulk, command, line, push } from './compose.ts';
import { errorWord, failure } from './failures.ts';
import { refuseHttp } from './login.ts';
import { ReplyReader, type ReplyPiece } from './reply-reader.ts';
import { isAboutChannels, isSubscription, Subscriptions, type Origin } from './subscriptions.ts';
import { changedPiece } from './texts.ts';

/** Most requests that are not answered. */
const openMax = 1_000;
/** Most bytes of a reply that make one record. */
const recordBytesMax = 256 * 1024;

export interface RelayOptions {
  readonly session: string;
  readonly frameBytesMax: number;
  readonly database: string;
  /** The name of the target. */
  readonly name: string;
  /** The user of the target as whom the gateway has logged in. */
  readonly user: string;
  /** The version of the protocol that the client has asked for at its login. */
  readonly version: 2 | 3;
  /** A clock that goes on evenly, in ms. */
  readonly nowMs: () => number;
}

/** A request whose answer has not begun, or not ended. Answers come in the order of the requests. */
type Open =
  /** The target answers it with one reply. `replacement` takes the place of that. */
  | ({ readonly kind: 'reply'; readonly replacement: Buffer | null; readonly answered: (isError: boolean) => void } & Origin)
  /** The target confirms each of the channels. `left` is null until it is the first. */
  | ({ readonly kind: 'channels'; readonly name: string; readonly channels: number; left: number | null } & Origin)
  /** The gateway answers it. */
  | { readonly kind: 'own'; readonly seq: number | null; readonly bytes: Buffer; readonly attributes: Attributes };

/** The request to which the pieces of the reply that is being read belong. Null: the target says it without being asked. */
interface Owner {
  readonly origin: Origin | null;
  readonly open: Open | null;
}

/** Commands that would show what others do, or make the connection another one. Each with the reason why it is not possible. */
const refusedCommands: ReadonlyMap<string, string> = new Map([
  ['auth', 'the connection has logged in, and its login stays: open another connection for another target or token'],
  ['reset', 'RESET would end the login at the target: open another connection'],
  ['monitor', 'MONITOR shows what others do at the target'],
  ['sync', 'replication is not possible through the gateway'],
  ['psync', 'replication is not possible through the gateway'],
  ['replconf', 'replication is not possible through the gateway'],
  ['client|reply', 'CLIENT REPLY is not possible through the gateway, which tells answers apart by their order'],
]);

type Settle = (decision: Decision, seq: number, changes: readonly TextChange[]) => void;

/** The conversation after the login as a step function: commands of the client become requests, and replies of the target become responses. */
export class RedisRelay implements Relay {
  readonly #options: RelayOptions;
  readonly #commands: CommandReader;
  readonly #replies = new ReplyReader();
  readonly #subscriptions = new Subscriptions();
  #open: Open[] = [];
  readonly #askedMs = new WeakMap<Open, number>();
  #outputs: Output[] = [];
  #settle: Settle | null = null;
  #version: 2 | 3;
  #database: string;
  /** Within MULTI: whether a command in it was refused. Null: there is no transaction. */
  #transaction: { isRefused: boolean } | null = null;
  /** True while a command is open after which others mean something else. */
  #isWaiting = false;
  /** The request that has turned on the messages about keys that have changed. */
  #tracking: Origin | null = null;
  #owner: Owner | null = null;
  /** The pieces of a message that are kept until it is known to what it belongs. Null: the reply is no such message. */
  #kept: ReplyPiece[] | null = null;
  #keptBytes = 0;
  /** The bytes of a reply that are not in a record yet. */
  #said: Buffer[] = [];
  #saidBytes = 0;
  #work: Slices<void> | null = null;
  #hasClientLeft = false;
  /** True after QUIT: what is behind it counts no more, and the connection ends with the last answer. */
  #hasQuit = false;
  #isTargetGone = false;
  #isClosed = false;

  constructor(options: RelayOptions) {
    this.#options = options;
    this.#commands = new CommandReader(options.frameBytesMax);
    this.#version = options.version;
    this.#database = options.database;
  }

  get isFull(): boolean {
    return this.#isWaiting || this.#open.length >= openMax;
  }

  clientBytes(bytes: Buffer): void {
    this.#commands.push(bytes);
  }

  upstreamBytes(bytes: Buffer): void {
    this.#replies.push(bytes);
  }

  decided(decision: Decision, seq: number, changes: readonly TextChange[] = []): void {
    const settle = this.#settle;
    this.#settle = null;
    settle?.(decision, seq, changes);
  }

  /** Tells a client that its request waits for people. Only RESP3 has words for that, which may stand between two replies. */
  held({ words, request }: HeldNotice): void {
    if (this.#version === 3 && !this.#replies.isWithin) {
      this.#outputs.push({ type: 'response', meta: { request }, bytes: [push('countersign', words)], continues: true });
    }
  }

  clientEnded(): void {
    this.#hasClientLeft = true;
  }

  upstreamEnded(): void {
    this.#isTargetGone = true;
  }

  fail(error: GatewayError): void {
    this.#outputs = [];
    this.#settle = null;
    this.#work = null;
    this.#isClosed = true;
    const [first] = this.#open;
    const request = first?.seq ?? null;
    // Within a string, the words would be taken for a part of it.
    if (!this.#replies.isWithinString) {
      const meta = { ...(request === null ? {} : { request }), attributes: { 'error.type': error.code } };
      this.#outputs.push({ type: 'response', meta, bytes: [failure(error, this.#options.session)], continues: false });
    }
    this.#outputs.push({ type: 'close', reason: error.code, error });
  }

  next(): Output | Pause | null {
    try {
      return this.#next();
    } catch (error) {
      if (!(error instanceof GatewayError)) {
        throw error;
      }
      this.fail(error);
      return this.#outputs.shift() ?? null;
    }
  }

  #next(): Output | Pause | null {
    for (;;) {
      const output = this.#outputs.shift();
      if (output !== undefined || this.#isClosed) {
        return output ?? null;
      }
      if (this.#readReplies()) {
        return pause;
      }
      if (this.#outputs.length > 0) {
        continue;
      }
      if (this.#isTargetGone) {
        this.fail(new GatewayError('target_unreachable', 'The target closed the connection.'));
      } else if (this.#settle !== null) {
        if (!this.#hasClientLeft) {
          return null;
        }
        this.#close('client');
      } else if (!this.#takeCommand()) {
        return null;
      }
    }
  }

  /** Takes a command of the client. False: there is none, or it must wait. */
  #takeCommand(): boolean {
    const next = this.isFull || this.#hasQuit ? null : this.#commands.next();
    if (next !== null) {
      this.#take(next);
      return true;
    }
    // A client that leaves has its earlier commands done, as a server does them.
    const isOver = this.#hasQuit ? this.#open.length === 0 : this.#hasClientLeft && !this.#isWaiting;
    if (isOver) {
      this.#close('client');
    }
    return isOver;
  }

  #close(reason: string): void {
    this.#isClosed = true;
    this.#outputs.push({ type: 'close', reason });
  }

  #take(args: Command): void {
    refuseHttp(args);
    const name = nameOf(args);
    const reason = this.#reasonAgainst(name, args);
    if (name === 'quit') {
      this.#answer(null, line('+', 'OK'));
      this.#hasQuit = true;
    } else if (reason !== null) {
      this.#refuse(args, reason);
    } else if (name === 'acl|whoami' && this.#transaction === null) {
      this.#answer(null, bulk(Buffer.from(this.#options.name)));
    } else if (isSubscription(name)) {
      this.#request(args, (seq, changes) => ({ kind: 'channels', seq, changes, name, channels: args.length - 1, left: null }));
    } else if (name === 'exec' && this.#transaction?.isRefused === true) {
      this.#abort(args);
    } else {
      this.#run(name, args);
    }
  }

  /** Returns why a command is not possible. Null: it is possible. */
  #reasonAgainst(name: string, args: Command): string | null {
    if (name === 'hello' && args.slice(2).some((each) => word(each) === 'auth')) {
      return refusedCommands.get('auth') ?? '';
    }
    if (isSubscription(name) && this.#subscriptions.isFullFor(args.length - 1) && !name.includes('un')) {
      return 'the client listens to too many channels';
    }
    if (this.#transaction !== null && (isSubscription(name) || ['hello', 'select', 'multi'].includes(name))) {
      return `${name.toUpperCase()} is not possible within MULTI`;
    }
    return refusedCommands.get(name) ?? null;
  }

  #run(name: string, args: Command): void {
    this.#isWaiting = name === 'select' || name === 'hello';
    this.#request(args, (seq, changes) => {
      if (name === 'multi') {
        this.#transaction = { isRefused: false };
      } else if (name === 'exec' || name === 'discard') {
        this.#transaction = null;
      } else if (name === 'client|tracking') {
        this.#tracking = { seq, changes };
      }
      return { kind: 'reply', seq, changes, replacement: null, answered: this.#effectOf(name, args) };
    });
  }

  /** Returns what the answer to a command changes here. */
  #effectOf(name: string, args: Command): (isError: boolean) => void {
    const value = args[1]?.toString() ?? '';
    return name === 'select'
      ? (isError) => {
          this.#isWaiting = false;
          this.#database = isError ? this.#database : value;
        }
      : name === 'hello'
        ? (isError) => {
            this.#isWaiting = false;
            this.#version = isError || value === '' ? this.#version : value === '3' ? 3 : 2;
          }
        : nothing;
  }

  /** Asks whether a command may run. `opened` makes what waits for its answer. */
  #request(args: Command, opened: (seq: number, changes: readonly TextChange[]) => Open): void {
    this.#outputs.push(this.#requestOf(args));
    this.#settle = (decision, seq, changes) => {
      if (decision.verdict === 'allow') {
        this.#await(opened(seq, changes));
        this.#sayOwn();
      } else if (nameOf(args) === 'exec') {
        this.#discard(failure(refusalOf(decision), this.#options.session));
      } else {
        this.#refused(seq, refusalOf(decision));
      }
    };
  }

  #requestOf(args: Command): RequestOutput {
    const database = word(args[0]) === 'select' ? (args[1]?.toString() ?? '') : this.#database;
    const action: Action = {
      name: actionOf(nameOf(args)),
      attributes: { ...connectionAttributes(database.slice(0, 20), this.#options.user), ...commandAttributes(args) },
      isOnce: true,
      text: () => ({ pieces: [{ role: 'client', text: args.map((each) => each.toString()).join(' ') }], isWhole: true }),
    };
    return { type: 'request', action, bytes: [printCommand(args)], change: (change) => this.#changed(args, change) };
  }

  /** Changes the texts of a command: of each of its arguments. */
  #changed(args: Command, change: RequestChange): RequestOutput {
    const pending = inTurns(changedArguments(args, change.texts)).then((changed): RequestOutput => {
      const { change: _done, ...output } = this.#requestOf(changed);
      return { ...output, relation: { change } };
    });
    return { ...this.#requestOf(args), reading: pending };
  }

  /** Records a command as refused, and answers it. */
  #refuse(args: Command, reason: string): void {
    const { change: _unused, ...output } = this.#requestOf(args);
    const isLogin = ['auth', 'hello'].includes(word(args[0]));
    // The record has no token.
    this.#outputs.push({ ...output, ...(isLogin ? { bytes: [command(args[0], '***')] } : {}), refused: reason });
    this.#settle = (decision, seq) => {
      this.#refused(seq, refusalOf(decision));
    };
  }

  #refused(seq: number, error: GatewayError): void {
    this.#isWaiting = false;
    if (this.#transaction !== null) {
      this.#transaction.isRefused = true;
    }
    this.#answer(seq, failure(error, this.#options.session), { 'error.type': error.code });
  }

  /** Refuses to carry out a transaction in which a command was refused, in the words of Redis. */
  #abort(args: Command): void {
    const { change: _unused, ...output } = this.#requestOf(args);
    this.#outputs.push({ ...output, refused: 'a command of the transaction was refused' });
    this.#settle = () => {
      this.#discard(line('-', 'EXECABORT Transaction discarded because of previous errors.'));
    };
  }

  /** Has the target discard what it has queued. The client gets other words than the answer to that. */
  #discard(replacement: Buffer): void {
    const { action, bytes } = this.#requestOf([Buffer.from('DISCARD')]);
    this.#outputs.push({ type: 'request', action, bytes, byGateway: true });
    this.#settle = (_decision, seq, changes) => {
      this.#transaction = null;
      this.#await({ kind: 'reply', seq, changes, replacement, answered: nothing });
    };
  }

  /** The target has a request now. */
  #await(open: Open): void {
    this.#open.push(open);
    this.#askedMs.set(open, this.#options.nowMs());
  }

  /** Answers a command in its turn. */
  #answer(seq: number | null, bytes: Buffer, attributes: Attributes = {}): void {
    this.#open.push({ kind: 'own', seq, bytes, attributes });
    this.#sayOwn();
  }

  /** Gives the answers of the gateway whose turn it is. */
  #sayOwn(): void {
    for (let [first] = this.#open; first?.kind === 'own' && !this.#replies.isWithin; [first] = this.#open) {
      const { seq, bytes, attributes } = first;
      this.#open.shift();
      this.#outputs.push({ type: 'response', meta: { ...(seq === null ? {} : { request: seq }), attributes }, bytes: [bytes], continues: false, isEnd: true });
    }
  }

  /** Reads what has come of replies. True: more is to be done, in another turn. */
  #readReplies(): boolean {
    for (;;) {
      if (this.#work !== null) {
        if (this.#work.next().done !== true) {
          return true;
        }
        this.#work = null;
      }
      const piece = this.#replies.next(this.#wholeBytesMax());
      if (piece === null) {
        break;
      }
      this.#work = this.#takePiece(piece);
      if (this.#outputs.length > 0) {
        return false;
      }
    }
    this.#flush(false);
    return false;
  }

  /** A string that is changed, or of a message, must come whole. */
  #wholeBytesMax(): number {
    const owner = this.#replies.isWithin ? this.#owner?.origin : this.#firstOrigin();
    const mustBeWhole = this.#kept !== null || !this.#subscriptions.isEmpty || (owner?.changes.length ?? 0) > 0;
    return mustBeWhole ? this.#options.frameBytesMax : 0;
  }

  #firstOrigin(): Origin | null {
    const [first] = this.#open;
    return first === undefined || first.kind === 'own' ? null : first;
  }

  /** Takes a piece. Returns the work that is left. */
  #takePiece(piece: ReplyPiece): Slices<void> | null {
    if (piece.begins) {
      const [first] = this.#open;
      const mayBeMessage = piece.type === '>' || (this.#version === 2 && piece.type === '*' && (first?.kind === 'channels' || !this.#subscriptions.isEmpty));
      this.#kept = mayBeMessage ? [] : null;
      this.#keptBytes = 0;
      this.#owner = mayBeMessage ? null : { origin: this.#firstOrigin(), open: first ?? null };
    }
    if (this.#kept === null) {
      return this.#pass(piece);
    }
    this.#kept.push(piece);
    this.#keptBytes += piece.bytes.length;
    if (piece.isPart || this.#keptBytes > this.#options.frameBytesMax) {
      throw new GatewayError('limit_exceeded', `A message of the target has more than ${this.#options.frameBytesMax} bytes (limits.frameBytesMax).`);
    }
    if (!piece.ends) {
      return null;
    }
    const pieces = this.#kept;
    this.#kept = null;
    this.#owner = this.#ownerOf(pieces);
    return this.#passAll(pieces);
  }

  /** Finds the request because of which a message comes. */
  #ownerOf(pieces: readonly ReplyPiece[]): Owner {
    const [kind = '', channel = ''] = pieces.slice(1, 3).map(({ text }) => text?.toString('latin1') ?? '');
    const [first] = this.#open;
    const isMessage = pieces[0]?.type === '>' || isAboutChannels(kind);
    if (!isMessage) {
      return { origin: this.#firstOrigin(), open: first ?? null };
    }
    if (!isSubscription(kind)) {
      return { origin: kind === 'invalidate' ? this.#tracking : this.#subscriptions.of(kind, channel), open: null };
    }
    if (first?.kind !== 'channels' || first.name !== kind) {
      this.#subscriptions.confirmed(kind, channel, { seq: 0, changes: [] });
      return { origin: null, open: null };
    }
    first.left ??= this.#subscriptions.confirmations(kind, first.channels);
    first.left -= 1;
    this.#subscriptions.confirmed(kind, channel, first);
    return { origin: first, open: first.left === 0 ? first : null };
  }

  *#passAll(pieces: readonly ReplyPiece[]): Slices<void> {
    for (const piece of pieces) {
      yield* this.#pass(piece) ?? [];
    }
  }

  #pass(piece: ReplyPiece): Slices<void> | null {
    const { open = null, origin = null } = this.#owner ?? {};
    const changes = origin?.changes ?? [];
    const replaced = open?.kind === 'reply' && open.replacement !== null ? open.replacement : piece.begins && piece.ends ? redirected(piece) : null;
    if (replaced !== null) {
      this.#say(piece, piece.ends ? replaced : Buffer.alloc(0));
      return null;
    }
    if (changes.length === 0) {
      this.#say(piece, piece.bytes);
      return null;
    }
    if (piece.isPart) {
      this.#assertLookedAt(changes);
      this.#say(piece, piece.bytes);
      return null;
    }
    return this.#change(piece, changes);
  }

  /** A string that is too long to be held may pass where it is only looked at. Throws GatewayError `limit_exceeded`. */
  #assertLookedAt(changes: readonly TextChange[]): void {
    if (changes.some(({ look }) => look === undefined)) {
      throw new GatewayError(
        'limit_exceeded',
        `Policy changes texts of this answer, and a string of it has more than ${this.#options.frameBytesMax} bytes (limits.frameBytesMax).`,
      );
    }
    changes.forEach(({ look }) => look?.missed());
  }

  *#change(piece: ReplyPiece, changes: readonly TextChange[]): Slices<void> {
    this.#say(piece, yield* changedPiece(piece, changes));
  }

  #say(piece: ReplyPiece, bytes: Buffer): void {
    this.#said.push(bytes);
    this.#saidBytes += bytes.length;
    if (piece.ends) {
      this.#end(piece);
    } else if (this.#saidBytes > recordBytesMax) {
      this.#flush(false);
    }
  }

  #end(piece: ReplyPiece): void {
    const { open = null } = this.#owner ?? {};
    const isError = piece.begins && (piece.type === '-' || piece.type === '!');
    const code = isError ? errorWord(piece.text?.toString('latin1', 0, 64) ?? '') : null;
    this.#flush(true, code === null ? {} : { 'db.response.status_code': code });
    this.#owner = null;
    if (open !== null) {
      this.#open.shift();
      if (open.kind === 'reply') {
        open.answered(isError);
      }
    }
    this.#sayOwn();
  }

  /** Makes a record of the bytes that were read. */
  #flush(isEnd: boolean, attributes: Attributes = {}): void {
    if (this.#said.length === 0) {
      return;
    }
    const { open = null, origin = null } = this.#owner ?? {};
    const bytes = this.#said;
    this.#said = [];
    this.#saidBytes = 0;
    // A subscription may always get more messages.
    const hasEnded = isEnd && open?.kind === 'reply';
    const askedMs = hasEnded ? this.#askedMs.get(open) : undefined;
    const duration = askedMs === undefined ? {} : { [ownAttributes.durationMs]: Math.round(this.#options.nowMs() - askedMs) };
    const meta = { ...(origin === null || origin.seq === 0 ? {} : { request: origin.seq }), attributes: { ...attributes, ...duration } };
    const continues = !isEnd || (origin !== null && !hasEnded);
    this.#outputs.push({ type: 'response', meta, bytes: [Buffer.concat(bytes)], continues, ...(hasEnded ? { isEnd: true } : {}) });
  }
}

function nothing(): void {
  // Nothing follows from the answer.
}

function* changedArguments([name, ...others]: Command, changes: readonly TextChange[]): Slices<Command> {
  const changed: [Buffer, ...Buffer[]] = [yield* changedBytes(name, changes)];
  for (const each of others) {
    changed.push(yield* changedBytes(each, changes));
  }
  return changed;
}

/** Returns the answer to give in place of one that leads a client of a cluster past the gateway; null if the answer is none of these. */
function redirected({ type, text }: ReplyPiece): Buffer | null {
  const [kind = '', slot = '', node = ''] = type === '-' && text !== null ? text.toString('latin1', 0, 300).split(' ') : [];
  return (kind === 'MOVED' || kind === 'ASK') && /^\d{1,5}$/.test(slot)
    ? line('-', `ERR countersign: the key is at another node of the cluster (${kind} ${slot} ${node}). Make that node a target of its own, and ask it there`)
    : null;
}
