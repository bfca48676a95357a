import { isUtf8 } from 'node:buffer';
import type { Action, Attributes } from '../../domain/action.ts';
import type { HeldNotice, RequestChange } from '../../domain/channel.ts';
import { refusalOf, type Decision } from '../../domain/decision.ts';
import { readEffects, unknownEffects, type Effect } from '../../domain/effects.ts';
import { GatewayError } from '../../domain/errors.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import { changeInSlices, type Slices, type TextChange } from '../../domain/text-change.ts';
import { inTurns } from '../../content/in-turns.ts';
import { pause, type Output, type Pause, type Relay, type RequestOutput } from '../../wire/relay.ts';
import { connectionAttributes, sqlAttributes } from './actions.ts';
import { AnswerReading, composeProgress, noBackslashEscapes, parseError, type Meaning } from './answer.ts';
import { can, capabilities } from './capabilities.ts';
import { changedPayload, type Origin } from './changed-answer.ts';
import { parseColumn, type Column } from './column.ts';
import { commands, kindOf, type CommandKind } from './commands.ts';
import { failure } from './failures.ts';
import type { Guard, SqlFacts } from './guard/guard.ts';
import { packetCount, PacketReader, packetsOf, renumbered, type PacketPiece } from './packets.ts';
import { readKill } from './own-connections.ts';
import { parseExecution, statementOf, Statements, type Execution, type Statement } from './statements.ts';

/** Most bytes of an answer that make one record. */
const recordBytesMax = 256 * 1024;
/** Most bytes of a payload of an answer that is no row. */
const partBytesMax = 1024 * 1024;
const databaseCharactersMax = 256;

export interface RelayOptions {
  readonly session: string;
  readonly frameBytesMax: number;
  /** The capabilities that both sides have. */
  readonly capabilities: number;
  /** The user of the target as whom the gateway has logged in. */
  readonly user: string;
  /** The database in which the connection begins; empty if there is none. */
  readonly database: string;
  readonly guard: Guard;
  /** Returns the number at the target of a connection of the same principal there; null if it has none with this number. */
  readonly findOwn: (number: number) => number | null;
  /** A clock that goes on evenly, in ms. */
  readonly nowMs: () => number;
}

/** A command of a client. */
interface Asked {
  readonly kind: CommandKind;
  readonly payload: Buffer;
  readonly statement: Statement | undefined;
  readonly execution: Execution | null;
}

/** A request that the target answers. */
interface Open {
  readonly seq: number;
  readonly asked: Asked;
  readonly reading: AnswerReading;
  readonly changes: readonly TextChange[];
  readonly askedMs: number;
  columns: Column[];
  readonly origins: Map<Column, Origin>;
  rows: number;
  code: number | null;
}

type Settle = (decision: Decision, seq: number, changes: readonly TextChange[]) => void;

/**
 * The conversation after the login as a step function. The client sends a command, and the target answers it; a command that comes before that waits.
 *
 *     command ─▶ request ─ allowed ─▶ target ─▶ payloads of the answer ─▶ responses ─▶ the next command
 *                   └───── denied ─▶ error ────────────────────────────────────────────▶
 */
export class MysqlRelay implements Relay {
  readonly #options: RelayOptions;
  readonly #commands = new PacketReader();
  readonly #answers = new PacketReader();
  readonly #statements = new Statements();
  #open: Open | null = null;
  /** The number that the next packet to the client has, where the target says another one because payloads have changed their lengths. */
  #shift = 0;
  #outputs: Output[] = [];
  #settle: Settle | null = null;
  #said: Buffer[] = [];
  #saidBytes = 0;
  /** Number of bytes at the beginning of what is said that belong to a payload that began before. */
  #begunBytes = 0;
  /** The state of the client after the last output: the number of its next packet, and whether it has only a part of a payload. */
  #told = { number: 0, isWithin: false };
  #work: Slices<void> | null = null;
  /** True if a backslash is a character like others to the target; null if that is not known. */
  #isWithoutEscapes: boolean | null = null;
  /** The database in which names without one are found. Null: it may be any. */
  #database: string | null;
  #hasClientLeft = false;
  #isTargetGone = false;
  #isClosed = false;

  constructor(options: RelayOptions) {
    this.#options = options;
    this.#database = options.database;
  }

  get isFull(): boolean {
    return this.#open !== null;
  }

  /** The sequence number of the request that the target has not answered. Null: there is none. */
  get outstanding(): number | null {
    return this.#open?.seq ?? null;
  }

  clientBytes(bytes: Buffer): void {
    this.#commands.push(bytes);
  }

  upstreamBytes(bytes: Buffer): void {
    this.#answers.push(bytes);
  }

  decided(decision: Decision, seq: number, changes: readonly TextChange[] = []): void {
    const settle = this.#settle;
    this.#settle = null;
    settle?.(decision, seq, changes);
  }

  /** Tells a client that its request waits for people, if it takes reports of progress. */
  held({ words, request }: HeldNotice): void {
    if (can(this.#options.capabilities, capabilities.progress)) {
      const bytes = packetsOf(composeProgress(words), this.#told.number);
      this.#shift += 1;
      this.#told = { ...this.#told, number: (this.#told.number + 1) & 0xff };
      this.#outputs.push({ type: 'response', meta: { request }, bytes: [bytes], continues: true });
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
    this.#said = [];
    this.#settle = null;
    this.#work = null;
    this.#isClosed = true;
    // Within a payload, the words would be taken for a part of it.
    if (!this.#told.isWithin) {
      const request = this.#open?.seq;
      const meta = { ...(request === undefined ? {} : { request }), attributes: { 'error.type': error.code } };
      this.#outputs.push({ type: 'response', meta, bytes: [packetsOf(failure(error, this.#options.session), this.#told.number)], continues: false });
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
      if (this.#readAnswers()) {
        return pause;
      }
      if (this.#outputs.length > 0) {
        continue;
      }
      if (this.#isTargetGone) {
        this.fail(new GatewayError('target_unreachable', 'The target closed the connection.'));
      } else if (this.#hasClientLeft && (this.#settle !== null || this.#open !== null)) {
        this.#close();
      } else if (this.#settle !== null || this.#open !== null || !this.#takeCommand()) {
        return null;
      }
    }
  }

  #close(): void {
    this.#isClosed = true;
    this.#outputs.push({ type: 'close', reason: 'client' });
  }

  /** Takes a command of the client. False: there is none. */
  #takeCommand(): boolean {
    const piece = this.#commands.whole(this.#options.frameBytesMax, 'A command (limits.frameBytesMax)');
    if (piece?.payload != null) {
      const number = packetCount(piece.payload.length);
      this.#commands.expect(0);
      this.#shift = 0;
      this.#told = { number, isWithin: false };
      this.#answers.expect(number);
      this.#take(piece.payload);
    } else if (this.#hasClientLeft) {
      this.#close();
    } else {
      return false;
    }
    return true;
  }

  #take(payload: Buffer): void {
    const command = payload[0];
    if (command === undefined) {
      throw new GatewayError('malformed', 'A command is empty.');
    }
    if (command === commands.quit) {
      this.#close();
      return;
    }
    const kind = kindOf(command);
    if ('refused' in kind) {
      this.#refuse({ kind: unknownKind, payload, statement: undefined, execution: null }, kind.refused);
      return;
    }
    const own = this.#withOwnNumber(kind, payload);
    if (own === null) {
      this.#refuse({ kind, payload, statement: undefined, execution: null }, 'KILL ends your own connections alone, each by its number: KILL QUERY 7');
      return;
    }
    this.#ask(kind, own);
  }

  /** Returns a command as it is, or with the number at the target in place of the one that the client was told, where it ends a connection. Null: that is not its own. */
  #withOwnNumber({ name }: CommandKind, payload: Buffer): Buffer | null {
    if (name === 'KILL') {
      const own = payload.length === 5 ? this.#options.findOwn(payload.readUInt32LE(1)) : null;
      return own === null ? null : Buffer.concat([payload.subarray(0, 1), uint32le(own)]);
    }
    if ((name !== 'QUERY' && name !== 'PREPARE') || !this.#factsOf(payload).statements.includes('kill')) {
      return payload;
    }
    const kill = name === 'QUERY' ? readKill(textOf(payload.subarray(1))) : null;
    const own = kill === null ? null : this.#options.findOwn(kill.number);
    return kill === null || own === null ? null : Buffer.concat([payload.subarray(0, 1), Buffer.from(kill.compose(own))]);
  }

  #ask(kind: CommandKind, payload: Buffer): void {
    const isAboutStatement = kind.action === 'mysql.execute' || (kind.action === 'mysql.prepare' && kind.answer !== 'prepared');
    const statement = isAboutStatement ? this.#statements.get(statementOf(payload)) : undefined;
    const asked = { kind, payload, statement, execution: null };
    if (kind.name !== 'EXECUTE') {
      this.#request(asked);
    } else if (statement === undefined) {
      this.#refuse(asked, 'the statement is not one that this connection has prepared');
    } else if (statement.isBroken) {
      this.#refuse(asked, 'a parameter of the statement was refused');
    } else {
      this.#request({ ...asked, execution: parseExecution(payload, statement) });
    }
  }

  #request(asked: Asked): void {
    this.#outputs.push(this.#requestOf(asked, asked.payload));
    this.#settle = (decision, seq, changes) => {
      if (decision.verdict === 'allow') {
        this.#allowed(asked, seq, changes);
      } else {
        this.#refused(asked, seq, decision);
      }
    };
  }

  #allowed(asked: Asked, seq: number, changes: readonly TextChange[]): void {
    const { kind, payload, statement, execution } = asked;
    const [command] = payload;
    if (statement !== undefined && command === commands.sendLongData && payload.length >= 7) {
      statement.long.add(payload.readUInt16LE(5));
    } else if (statement !== undefined && (command === commands.execute || command === commands.resetStatement)) {
      statement.types = execution?.types ?? statement.types;
      statement.long.clear();
      statement.isBroken = false;
    } else if (command === commands.closeStatement) {
      this.#statements.close(statementOf(payload));
    } else if (command === commands.resetConnection) {
      this.#statements.clear();
    }
    if (kind.answer !== null) {
      const reading = new AnswerReading(kind.answer, can(this.#options.capabilities, capabilities.deprecateEof));
      const columns = command === commands.fetch ? [...(statement?.columns ?? [])] : [];
      this.#open = { seq, asked, reading, changes, askedMs: this.#options.nowMs(), columns, origins: new Map(), rows: 0, code: null };
    }
  }

  #refuse(asked: Asked, reason: string): void {
    const { change: _unused, ...output } = this.#requestOf(asked, asked.payload);
    this.#outputs.push({ ...output, refused: reason, ...(asked.kind === unknownKind ? { bytes: [packetsOf(asked.payload.subarray(0, 1), 0)] } : {}) });
    this.#settle = (decision, seq) => {
      this.#refused(asked, seq, decision);
    };
  }

  #refused(asked: Asked, seq: number, decision: Decision): void {
    const { kind, statement } = asked;
    if (kind.answer === null) {
      // The client is not told. What it wants to run with the parameter is refused then.
      if (statement !== undefined && kind.name === 'LONG DATA') {
        statement.isBroken = true;
      }
      return;
    }
    const error = refusalOf(decision);
    const bytes = packetsOf(failure(error, this.#options.session), this.#told.number);
    this.#outputs.push({ type: 'response', meta: { request: seq, attributes: { 'error.type': error.code } }, bytes: [bytes], continues: false, isEnd: true });
  }

  #requestOf(asked: Asked, payload: Buffer): RequestOutput {
    const { kind, statement, execution } = asked;
    const sql = sqlOf(asked, payload);
    const action: Action = {
      name: kind.action,
      attributes: this.#attributesOf(asked, payload),
      isOnce: true,
      readable: () => payload,
      text: () => ({ pieces: [{ role: 'client', text: [sql ?? kind.name, ...parameterTexts(execution)].join('\n') }], isWhole: true }),
      // The target gives a statement another number in each connection.
      ...(statement === undefined || execution === null ? {} : { known: () => [statement.bytes, payload.subarray(5)], origin: () => statement.bytes }),
    };
    return { type: 'request', action, bytes: [packetsOf(payload, 0)], change: (change) => this.#changed(asked, change) };
  }

  /** Changes the texts of a command: its statement, or its parameters. */
  #changed(asked: Asked, change: RequestChange): RequestOutput {
    const pending = inTurns(changedCommand(asked, change.texts)).then((payload): RequestOutput => {
      const { change: _done, ...output } = this.#requestOf(asked, payload);
      return { ...output, relation: { change } };
    });
    return { ...this.#requestOf(asked, asked.payload), reading: pending };
  }

  /** Reads what has come of answers. True: more is to be done, in another turn. */
  #readAnswers(): boolean {
    for (;;) {
      if (this.#work !== null) {
        if (this.#work.next().done !== true) {
          return true;
        }
        this.#work = null;
      }
      const open = this.#open;
      if (open === null) {
        this.#assertSilent();
        return false;
      }
      const isChanged = open.changes.length > 0;
      const piece = this.#answers.next(isChanged ? this.#options.frameBytesMax : open.reading.isAtRows ? 0 : partBytesMax);
      if (piece === null) {
        break;
      }
      this.#work = this.#takePiece(open, piece);
      if (this.#outputs.length > 0) {
        return false;
      }
    }
    this.#flush(false);
    return false;
  }

  /** A target says nothing without being asked, but that it closes the connection. */
  #assertSilent(): void {
    if (!this.#answers.isEmpty) {
      throw new GatewayError('target_unreachable', 'The target sent something that no request asked for, as a server does that closes the connection.');
    }
  }

  /** Takes a piece. Returns the work that is left. */
  #takePiece(open: Open, piece: PacketPiece): Slices<void> | null {
    const { payload, begins, head, firstPacketBytes } = piece;
    const meaning = begins ? open.reading.take(head, firstPacketBytes) : 'row';
    if (begins) {
      this.#note(open, meaning, payload);
    }
    if (open.changes.length === 0) {
      this.#say(open, renumbered(piece, this.#shift), piece);
      return null;
    }
    if (payload === null) {
      this.#assertLookedAt(open.changes);
      this.#say(open, renumbered(piece, this.#shift), piece);
      return null;
    }
    return this.#change(open, payload, meaning);
  }

  *#change(open: Open, payload: Buffer, meaning: Meaning): Slices<void> {
    const { asked, changes, columns, origins } = open;
    const [command] = asked.payload;
    const changed = yield* changedPayload(payload, meaning, {
      changes,
      columns,
      origins,
      isBinary: asked.kind.action === 'mysql.execute',
      sql: sqlOf(asked, asked.payload),
      haveDefaults: command === commands.fieldList,
    });
    const first = this.#answers.number - packetCount(payload.length) + this.#shift;
    this.#shift += packetCount(changed.length) - packetCount(payload.length);
    this.#say(open, packetsOf(changed, first & 0xff), { begins: true, ends: true });
  }

  /** A row that is too long to be held may pass where it is only looked at. Throws GatewayError `limit_exceeded`. */
  #assertLookedAt(changes: readonly TextChange[]): void {
    if (changes.some(({ look }) => look === undefined)) {
      throw new GatewayError(
        'limit_exceeded',
        `Policy changes texts of this answer, and a row of it has more than ${this.#options.frameBytesMax} bytes (limits.frameBytesMax).`,
      );
    }
    changes.forEach(({ look }) => look?.missed());
  }

  /** Notes what a payload says of the answer. */
  #note(open: Open, meaning: Meaning, payload: Buffer | null): void {
    const { asked, reading, columns } = open;
    if (meaning === 'row') {
      open.rows += 1;
    } else if (meaning === 'count') {
      open.columns = [];
      open.origins.clear();
    } else if (meaning === 'column' && payload !== null && (open.changes.length > 0 || asked.execution?.hasCursor === true)) {
      columns.push(parseColumn(payload, asked.kind.answer === 'columns'));
    } else if (meaning === 'error' && payload !== null) {
      ({ code: open.code } = parseError(payload));
    }
    if (reading.hasCursor && asked.statement !== undefined && asked.execution !== null) {
      asked.statement.columns = open.columns;
    }
    if (meaning === 'prepared' && reading.prepared !== null) {
      const { statement: id, parameters } = reading.prepared;
      const { payload: bytes } = asked;
      const facts = this.#factsOf(bytes);
      const attributes = sqlAttributes(facts, this.#database);
      this.#statements.add(id, { seq: open.seq, bytes, facts, attributes, parameters, types: null, long: new Set(), isBroken: false, columns: [] });
    }
  }

  #factsOf(payload: Buffer): SqlFacts {
    return this.#options.guard.factsOf(textOf(payload.subarray(1)), this.#isWithoutEscapes);
  }

  #attributesOf({ kind, statement }: Asked, payload: Buffer): Attributes {
    const database = kind.action === 'mysql.use' ? textOf(payload.subarray(1)).slice(0, databaseCharactersMax) : '';
    const sql = kind.name === 'QUERY' || kind.name === 'PREPARE' ? sqlAttributes(this.#factsOf(payload), this.#database) : null;
    return {
      ...connectionAttributes(this.#options.user, database),
      'db.operation.name': kind.name,
      [ownAttributes.effects]: kind.effects,
      ...(sql ?? (kind.name === 'EXECUTE' ? statement?.attributes : undefined)),
      ...(kind.name === 'PREPARE' ? { [ownAttributes.effects]: preparingEffects(this.#factsOf(payload).effects) } : {}),
      ...(statement === undefined ? {} : { [ownAttributes.parse]: statement.seq }),
    };
  }

  /** Notes what a command has changed of how the target reads later ones. */
  #noteSession({ asked: { kind, payload, statement }, code, reading }: Open): void {
    const isDone = code === null;
    const facts = kind.name === 'QUERY' ? this.#factsOf(payload) : kind.name === 'EXECUTE' ? statement?.facts : undefined;
    if (kind.action === 'mysql.use' && isDone) {
      this.#database = textOf(payload.subarray(1));
    } else if (facts !== undefined && facts.database !== undefined && (isDone || facts.database === null)) {
      this.#database = facts.database;
    }
    if (!isDone || payload[0] === commands.resetConnection) {
      this.#isWithoutEscapes = null;
    } else if (reading.status !== null) {
      this.#isWithoutEscapes = (reading.status & noBackslashEscapes) !== 0;
    }
  }

  #say(open: Open, bytes: Buffer, { begins, ends }: Pick<PacketPiece, 'begins' | 'ends'>): void {
    this.#begunBytes += begins || this.#begunBytes < this.#saidBytes ? 0 : bytes.length;
    this.#said.push(bytes);
    this.#saidBytes += bytes.length;
    if (ends && open.reading.isOver) {
      this.#noteSession(open);
      this.#flush(true);
      this.#open = null;
    } else if (this.#saidBytes > recordBytesMax) {
      this.#flush(false);
    }
  }

  /** Makes a record of the payloads that were read. */
  #flush(isEnd: boolean): void {
    const open = this.#open;
    if (this.#said.length === 0 || open === null) {
      return;
    }
    const bytes = Buffer.concat(this.#said);
    this.#told = { number: (this.#answers.number + this.#shift) & 0xff, isWithin: this.#answers.isWithin };
    this.#said = [];
    this.#saidBytes = 0;
    const begunBytes = this.#begunBytes;
    this.#begunBytes = 0;
    const attributes: Attributes = {
      ...(begunBytes === 0 ? {} : { [ownAttributes.begunBytes]: begunBytes }),
      ...(isEnd
        ? {
            ...(open.asked.kind.answer === 'results' || open.asked.kind.answer === 'rows' ? { 'db.response.returned_rows': open.rows } : {}),
            ...(open.code === null ? {} : { 'db.response.status_code': String(open.code) }),
            [ownAttributes.durationMs]: Math.round(this.#options.nowMs() - open.askedMs),
          }
        : {}),
    };
    this.#outputs.push({ type: 'response', meta: { request: open.seq, attributes }, bytes: [bytes], continues: !isEnd, ...(isEnd ? { isEnd: true } : {}) });
  }
}

/** The kind of a command that the gateway refuses whatever policy says. */
const unknownKind: CommandKind = { action: 'mysql.command', name: 'OTHER', effects: unknownEffects, answer: 'done' };

/** Returns the text of SQL in a command; null if it has none. */
function sqlOf({ kind, statement }: Asked, payload: Buffer): string | null {
  return statement !== undefined ? textOf(statement.bytes.subarray(1)) : kind.name === 'QUERY' || kind.name === 'PREPARE' ? textOf(payload.subarray(1)) : null;
}

function parameterTexts(execution: Execution | null): readonly string[] {
  return (execution?.parameters ?? []).map(({ text }) => (text === null ? 'NULL' : textOf(text)));
}

function uint32le(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** To prepare a statement runs nothing of it. */
function preparingEffects(effects: readonly Effect[]): readonly Effect[] {
  return effects.includes('unknown') ? ['read', 'unknown'] : readEffects;
}

/** Bytes that are no text are read byte by byte, so that no encoding hides a text. */
function textOf(bytes: Buffer): string {
  return bytes.toString(isUtf8(bytes) ? 'utf8' : 'latin1');
}

function* changedCommand({ kind, payload, execution }: Asked, changes: readonly TextChange[]): Slices<Buffer> {
  const change = function* (bytes: Buffer): Slices<Buffer> {
    const encoding = isUtf8(bytes) ? 'utf8' : 'latin1';
    return Buffer.from(yield* changeInSlices(changes, bytes.toString(encoding)), encoding);
  };
  if (execution !== null) {
    const texts: (Buffer | null)[] = [];
    for (const { text, isText } of execution.parameters) {
      texts.push(text === null || !isText ? null : yield* change(text));
    }
    return execution.compose(texts);
  }
  const headBytes = { QUERY: 1, PREPARE: 1, USE: 1, 'FIELD LIST': 1, 'LONG DATA': 7 }[kind.name];
  return headBytes === undefined ? payload : Buffer.concat([payload.subarray(0, headBytes), yield* change(payload.subarray(headBytes))]);
}
