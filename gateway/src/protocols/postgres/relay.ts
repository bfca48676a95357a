import { strict as assert } from 'node:assert';
import type { AskEstimate, Attributes } from '../../domain/action.ts';
import type { HeldNotice, RequestChange } from '../../domain/channel.ts';
import type { HoldMode, HoldWish } from '../../domain/approval.ts';
import type { Decision } from '../../domain/decision.ts';
import { GatewayError } from '../../domain/errors.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import type { TextChange } from '../../domain/text-change.ts';
import { pause, type Output, type Pause, type Relay, type RequestOutput } from '../../wire/relay.ts';
import { inTurns } from '../../content/in-turns.ts';
import { unitActions } from './actions.ts';
import { Answers } from './answers.ts';
import { changeUnit, type ChangedUnit, type NamedTypes } from './changed-unit.ts';
import { ClientUnits, type Unit } from './client-units.ts';
import { copyFail, failingParse, failingQuery, readyForQuery, sync } from './compose.ts';
import { Conversation } from './conversation.ts';
import { CopyRows } from './copy-rows.ts';
import type { Output as ResultOutput } from './guard/rowset.ts';
import { readableUnit } from './readable-unit.ts';
import type { RequestFacts } from './request-facts.ts';
import { knownUnit } from './known-unit.ts';
import { fatal, refusal, refusalState, waitingNotice, sqlState } from './failures.ts';
import { encodingFact } from './text-encoding.ts';

export interface RelayOptions {
  readonly session: string;
  readonly frameBytesMax: number;
  /** The state of the transaction after the login. */
  readonly status: number;
  /** The attributes of every request. */
  readonly attributes: Attributes;
  /** How the client wants to learn the outcome of a held request. Null: it does not say. */
  readonly hold: HoldMode | null;
  /** The `client_encoding` after the login. */
  readonly encoding: string;
  /** Called with the name of the client's application when the target reports that it changed. Absent: nobody wants to know. */
  readonly onApplicationName?: (name: string) => void;
  /** Finds what the requests do. */
  readonly facts: RequestFacts;
  /** Returns a function that asks the target how many rows a unit would change; null if that cannot be asked. Absent: nothing is ever asked. */
  readonly estimate?: (unit: Unit, encoding: string) => AskEstimate | null;
  /** Returns the time in ms of a monotonic clock. */
  readonly nowMs: () => number;
}

/** A request that waits for its decision, or that the gateway made to carry one out. */
interface Asked {
  readonly unit: Unit;
  /** Set if the gateway made the request: the request that was refused, and the message that its client gets. */
  readonly refused: { readonly seq: number; readonly words: Buffer | null } | null;
  /** The types that its Parse messages name. Null: its texts were not changed, so they were not read. */
  readonly types: NamedTypes | null;
}

type RequestKind = Exclude<Unit['kind'], 'terminate'>;

const lineFeed = 0x0a;

/** The end up to which the client's messages after a refused statement are discarded, so that the target does not see them. */
type Discarding = 'no' | 'to-sync' | 'to-sync-alone' | 'to-copy-end';

/** The conversation after the login as a step function: units of the client become requests, and messages of the target become responses. */
export class PostgresRelay implements Relay {
  readonly #options: RelayOptions;
  /** How the client wants to learn the outcome if a request is held. It waits no longer than its statements may take. */
  #wish: { readonly onHold: HoldWish & { readonly waitMsMax: number } };
  readonly #units: ClientUnits;
  readonly #conversation: Conversation;
  readonly #answers: Answers;
  #outputs: Output[] = [];
  /** The attributes of every request. They are the same object until the encoding changes. */
  #attributes: Attributes;
  /** The attributes of requests that refer to earlier ones, by the attributes of their statement. A statement that is executed repeatedly has the same ones. */
  readonly #executed = new WeakMap<Attributes, { readonly origin: Attributes; readonly both: Attributes }>();
  #encoding: string;
  #asked: Asked | null = null;
  /** The notice about the request that waits for people. Null: none does. */
  #held: HeldNotice | null = null;
  /** Set while COPY data are changed: their units then hold whole rows. */
  #rows: CopyRows | null = null;
  /** True if the last COPY data were sent as they came, and end within a row. */
  #isWithinRow = false;
  #discarding: Discarding = 'no';
  #leaving = false;
  #isTargetGone = false;
  /** True if the next slice of long answers is done when the relay is pulled next. */
  #isPaused = false;
  #closed = false;

  constructor(options: RelayOptions) {
    this.#options = options;
    this.#wish = { onHold: { ...(options.hold === null ? {} : { mode: options.hold }), waitMsMax: Infinity } };
    this.#units = new ClientUnits(options.frameBytesMax);
    this.#conversation = new Conversation(options.status);
    this.#answers = new Answers(this.#conversation, {
      emit: (output) => this.#outputs.push(output),
      nowMs: options.nowMs,
      onApplicationName: (name) => options.onApplicationName?.(name),
      encoding: options.encoding,
      heldBytesMax: options.frameBytesMax,
      typeOf: (oid) => options.facts.typeOf(oid),
    });
    this.#attributes = { ...options.attributes, ...encodingFact(options.encoding) };
    this.#encoding = options.encoding;
  }

  /** The sequence number of the request on which the target is working; null if there is none. */
  get outstanding(): number | null {
    return this.#conversation.current?.seq ?? null;
  }

  get isFull(): boolean {
    return this.#conversation.isFull;
  }

  clientBytes(bytes: Buffer): void {
    this.#units.push(bytes);
  }

  upstreamBytes(bytes: Buffer): void {
    if (!this.#closed) {
      this.#answer(() => {
        this.#answers.bytes(bytes);
      });
    }
  }

  #answer(read: () => void): void {
    try {
      read();
      if (this.#conversation.isQuiet) {
        this.#options.facts.idle();
      }
    } catch (error) {
      this.#failOn(error);
    }
    if (this.#isTargetGone && !this.#answers.isBusy) {
      this.upstreamEnded();
    }
  }

  /** Tells the client that its request waits for people; not within a message of the target. */
  held(notice: HeldNotice): void {
    this.#held = notice;
    if (!this.#answers.isMidFrame) {
      this.#outputs.push({ type: 'response', meta: { request: notice.request }, bytes: [waitingNotice(notice.words, this.#options.session)], continues: true });
    }
  }

  /** Cancels the request that waits for people. False if none does. */
  cancelHeld(): boolean {
    this.#held?.cancel();
    return this.#held !== null;
  }

  decided(decision: Decision, seq: number, changes: readonly TextChange[] = []): void {
    const asked = this.#asked;
    this.#asked = null;
    this.#held = null;
    if (asked === null || this.#closed) {
      return;
    }
    const { unit, refused, types } = asked;
    if (decision.verdict === 'allow') {
      if (types !== null) {
        this.#conversation.names.noteTypes(seq, types);
      }
      this.#sent(unit, { seq: refused?.seq ?? seq, refusal: refused?.words ?? null, changes });
    } else if (refused === null) {
      this.#refuse(unit, refusal(decision, this.#options.session), seq);
    } else {
      this.fail(new GatewayError('refused', 'A refusal could not be carried out.'));
    }
  }

  clientEnded(): void {
    this.#close('client');
  }

  upstreamEnded(): void {
    this.#isTargetGone = true;
    if (this.#answers.isBusy) {
      return;
    }
    if (this.#conversation.isLost) {
      this.#close('target');
    } else if (!this.#closed) {
      this.#end(new GatewayError('target_unreachable', 'The target closed the connection.'), 'target');
    }
  }

  fail(error: GatewayError): void {
    this.#outputs = [];
    this.#answers.stop();
    this.#closed = false;
    this.#end(error, error.code === 'halted' ? 'halted' : error.code === 'stopping' ? 'stop' : 'error');
  }

  next(): Output | Pause | null {
    const output = this.#outputs.shift() ?? this.#request();
    if (output !== null || this.#closed || !this.#answers.isBusy) {
      return output;
    }
    this.#isPaused = !this.#isPaused;
    if (this.#isPaused) {
      return pause;
    }
    this.#answer(() => {
      this.#answers.proceed();
    });
    return this.next();
  }

  #request(): Output | null {
    if (this.#closed || this.#asked !== null) {
      return null;
    }
    try {
      return this.#nextRequest();
    } catch (error) {
      this.#failOn(error);
      return this.#outputs.shift() ?? null;
    }
  }

  #nextRequest(): Output | null {
    while (!this.#leaving) {
      if (this.isFull) {
        return null;
      }
      const unit = this.#nextUnit();
      if (unit === null) {
        return null;
      }
      if (unit.kind === 'terminate') {
        this.#leaving = true;
      } else if (this.#discarding === 'no' || (this.#discarding === 'to-copy-end' && unit.kind !== 'copy')) {
        this.#discarding = 'no';
        return this.#ask(unit, unit.kind);
      } else {
        this.#discard(unit);
        const output = this.#outputs.shift();
        if (output !== undefined) {
          return output;
        }
      }
    }
    // Requests before the end are still answered, unless the target waits for a Sync that will not come.
    if (this.#conversation.current === undefined || this.#conversation.isUnsynced) {
      this.#close('client');
    }
    return this.#outputs.shift() ?? null;
  }

  /** Returns the next unit of the client. While COPY data are changed, a unit of them holds whole rows. Throws GatewayError. */
  #nextUnit(): Unit | null {
    for (let unit = this.#units.next(); ; unit = this.#units.next()) {
      const rows = this.#rows;
      if (unit === null || rows === null) {
        return unit;
      }
      if (unit.kind !== 'copy') {
        this.#rows = null;
        if (rows.isWithinRow && this.#conversation.isCopyIn) {
          throw new GatewayError('malformed', 'A row of COPY data does not end before another message.');
        }
        return unit;
      }
      const whole = rows.take(unit);
      if (whole !== null) {
        return whole;
      }
    }
  }

  #ask(unit: Unit, kind: RequestKind): RequestOutput {
    this.#asked = { unit, refused: null, types: null };
    const request = this.#requestOf(unit, kind);
    const more = this.#options.facts.more(request.action.attributes);
    return more === null ? request : { ...request, reading: more.then(() => this.#requestOf(unit, kind)) };
  }

  /** Changes the texts of the request that was asked about. Null: its COPY data hold no whole row, and are held. */
  readonly #change = (change: RequestChange): RequestOutput | null => {
    const asked = this.#asked?.unit;
    assert(asked !== undefined && asked.kind !== 'terminate', 'only a request that waits for its decision is changed');
    const { kind } = asked;
    try {
      const whole = kind === 'copy' ? this.#wholeRows(asked) : asked;
      if (whole === null) {
        this.#asked = null;
        return null;
      }
      const { names } = this.#conversation;
      const work = changeUnit(whole, {
        changes: change.texts,
        typesOf: (statement) => names.typesOf(statement),
        bytesMax: this.#options.frameBytesMax,
      });
      const step = work.next();
      return step.done === true
        ? this.#changed(step.value, kind, change)
        : {
            ...this.#requestOf(asked, kind),
            reading: inTurns(work)
              .then((changed) => this.#changed(changed, kind, change))
              .catch((error: unknown) => this.#unchanged(asked, kind, error)),
          };
    } catch (error) {
      return this.#unchanged(asked, kind, error);
    }
  };

  #changed({ unit, types }: ChangedUnit, kind: RequestKind, change: RequestChange): RequestOutput {
    this.#asked = { unit, refused: null, types };
    const { change: _changed, ...output } = this.#requestOf(unit, kind);
    return { ...output, relation: { ...output.relation, change } };
  }

  /** Refuses a request whose texts cannot be changed. The record has nothing of it, because its texts would be in it, and the names in them. */
  #unchanged(unit: Unit, kind: RequestKind, error: unknown): RequestOutput {
    if (!(error instanceof GatewayError)) {
      throw error;
    }
    const { action, ...output } = this.#requestOf(unit, kind);
    return { ...output, action: { name: action.name, attributes: this.#requestAttributes() }, bytes: [], refused: error.message };
  }

  #wholeRows(unit: Unit): Unit | null {
    if (this.#rows !== null) {
      return unit;
    }
    if (unit.begunBytes > 0 || this.#isWithinRow) {
      throw new GatewayError('unsupported', 'Policy changes texts of this request, and the beginning of its row was sent before.');
    }
    this.#rows = new CopyRows(this.#options.frameBytesMax);
    return this.#rows.take(unit);
  }

  #requestOf(unit: Unit, kind: RequestKind): RequestOutput {
    const base = this.#requestAttributes();
    const encoding = this.#encoding;
    const origin = kind === 'execute' ? this.#conversation.names.origin(unit.changes) : null;
    const parse = origin?.[ownAttributes.parse];
    const belongsTo = kind === 'copy' ? this.#conversation.copySeq : typeof parse === 'number' ? parse : undefined;
    const attributes = this.#options.facts.attributes(base, unit, encoding, belongsTo);
    const { timeoutMs } = this.#options.facts;
    if (timeoutMs !== this.#wish.onHold.waitMsMax) {
      this.#wish = { onHold: { ...this.#wish.onHold, waitMsMax: timeoutMs } };
    }
    const action = unitActions[kind];
    if (kind === 'copy') {
      const partOf = this.#conversation.copySeq;
      const begun = unit.begunBytes > 0 ? { ...attributes, [ownAttributes.begunBytes]: unit.begunBytes } : attributes;
      return {
        type: 'request',
        action: { name: action, attributes: begun, readable: () => readableUnit(unit, encoding), ...this.#wish },
        bytes: unit.bytes,
        relation: { ...(partOf === undefined ? {} : { partOf }), continues: !unit.ends },
        change: this.#change,
      };
    }
    const trace = unit.traceparent === null ? null : { [ownAttributes.traceparent]: unit.traceparent };
    const all = trace === null ? this.#withOrigin(attributes, origin) : { ...attributes, ...origin, ...trace };
    return {
      type: 'request',
      action: {
        name: action,
        attributes: all,
        readable: () => readableUnit(unit, encoding),
        known: () => this.#known(unit, origin),
        origin: (record) => (record === parse ? this.#options.facts.prepared(unit, encoding) : this.#options.facts.namedText(unit, encoding, record)),
        doubt: () => this.#options.facts.doubt(unit, this.#encoding),
        ...this.#wish,
        estimate: () => this.#options.estimate?.(unit, encoding) ?? null,
      },
      bytes: unit.bytes,
      change: this.#change,
    };
  }

  /**
   * Returns the bytes by which the request is known again, on another connection too. If it is not sure what its names stand for, it is known only in this session.
   */
  #known(unit: Unit, origin: Attributes | null): readonly Uint8Array[] {
    const { names, isSettled } = this.#conversation;
    const referred = names.digest(unit.changes);
    const refers = referred !== undefined;
    const { texts, isSure } = this.#options.facts.named(unit, this.#encoding, refers);
    const isKnown = isSure && referred !== null && (isSettled || (!refers && texts.length === 0));
    return knownUnit(unit, { referred, texts, onlyIn: isKnown ? null : [this.#options.session, origin] });
  }

  #withOrigin(attributes: Attributes, origin: Attributes | null): Attributes {
    if (origin === null) {
      return attributes;
    }
    const known = this.#executed.get(attributes);
    if (
      known !== undefined &&
      known.origin[ownAttributes.bind] === origin[ownAttributes.bind] &&
      known.origin[ownAttributes.parse] === origin[ownAttributes.parse]
    ) {
      return known.both;
    }
    const both = { ...attributes, ...origin };
    this.#executed.set(attributes, { origin, both });
    return both;
  }

  #requestAttributes(): Attributes {
    const { encoding } = this.#answers;
    if (encoding !== this.#encoding) {
      this.#encoding = encoding;
      this.#attributes = { ...this.#options.attributes, ...encodingFact(encoding) };
    }
    return this.#attributes;
  }

  #sent(unit: Unit, sent: { readonly seq: number; readonly refusal: Buffer | null; readonly changes: readonly TextChange[] }): void {
    if (unit.kind === 'copy') {
      this.#isWithinRow = this.#rows === null && !unit.ends && unit.bytes.at(-1)?.at(-1) !== lineFeed;
    } else if (unit.kind !== 'prepare') {
      this.#isWithinRow = false;
    }
    const lineage = sent.changes.length > 0 ? { statements: this.#options.facts.lineage(unit, this.#encoding), column: this.#column } : null;
    const isOfClient = sent.refusal === null && unit.kind !== 'terminate';
    const settle = isOfClient ? this.#options.facts.sent(unit, sent.seq, this.#encoding, this.#conversation.isSettled) : null;
    this.#conversation.names.doubt(this.#options.facts.doubts);
    this.#conversation.sent(unit, { nowMs: this.#options.nowMs(), ...sent, lineage, settle });
    this.#answers.sent();
  }

  readonly #column = (relation: number, attribute: number): ResultOutput | null => this.#options.facts.column(relation, attribute);

  /** Refuses a unit. The client gets the refusal instead of an answer, and the transaction of the statement fails. */
  #refuse(unit: Unit, words: Buffer, seq: number): void {
    const conversation = this.#conversation;
    if (unit.kind === 'copy') {
      this.#rows = null;
      conversation.refuseCopy(words);
      this.#discarding = unit.ends ? 'no' : 'to-copy-end';
      this.#askToRefuse({ ...unit, bytes: [copyFail], ends: true }, seq, null);
      return;
    }
    const isExtended = unit.kind === 'execute' || unit.kind === 'prepare';
    if (conversation.isQuiet) {
      this.#say(isExtended && !unit.sync ? [words] : [words, readyForQuery(conversation.status)], seq);
      this.#discarding = isExtended && !unit.sync ? 'to-sync-alone' : 'no';
    } else if (isExtended) {
      this.#discarding = unit.sync ? 'no' : 'to-sync';
      this.#askToRefuse({ ...unit, kind: 'prepare', bytes: unit.sync ? [failingParse, sync] : [failingParse], changes: [], steps: 1 }, seq, words);
    } else {
      this.#askToRefuse({ ...unit, kind: 'query', bytes: [failingQuery] }, seq, words);
    }
  }

  #discard(unit: Unit): void {
    if (this.#discarding === 'to-copy-end') {
      this.#discarding = unit.ends ? 'no' : this.#discarding;
    } else if (unit.sync) {
      if (this.#discarding === 'to-sync-alone') {
        this.#say([readyForQuery(this.#conversation.status)], null);
      } else {
        this.#askToRefuse({ ...unit, kind: 'prepare', bytes: [sync], changes: [], steps: 0 }, null, null);
      }
      this.#discarding = 'no';
    }
  }

  /** Makes a request of the gateway's own that makes the target fail too. */
  #askToRefuse(unit: Unit, seq: number | null, words: Buffer | null): void {
    this.#asked = { unit, refused: seq === null ? null : { seq, words }, types: null };
    this.#outputs.push({
      type: 'request',
      action: { name: 'postgres.refuse', attributes: seq === null ? {} : { [ownAttributes.request]: seq } },
      bytes: unit.bytes,
      byGateway: true,
    });
  }

  #say(bytes: readonly Buffer[], seq: number | null): void {
    this.#outputs.push({
      type: 'response',
      meta: seq === null ? {} : { request: seq, attributes: { 'db.response.status_code': refusalState(bytes[0] ?? Buffer.alloc(0)) } },
      bytes,
      continues: false,
    });
  }

  #failOn(error: unknown): void {
    if (!(error instanceof GatewayError)) {
      throw error;
    }
    this.#end(error, 'error');
  }

  /** Ends the conversation with last words, if the client can read them. It cannot within a frame, and needs none after the target's own last words. */
  #end(error: GatewayError, reason: string): void {
    if (this.#closed) {
      return;
    }
    const unsure = error.code === 'cannot_record' && this.#answers.hasCutFrames;
    if (!this.#answers.isMidFrame && !unsure && !this.#conversation.isLost) {
      const seq = this.#conversation.current?.seq;
      this.#outputs.push({
        type: 'response',
        meta: {
          ...(seq === undefined ? {} : { request: seq }),
          attributes: { 'db.response.status_code': sqlState(error), 'error.type': error.code },
        },
        bytes: [fatal(error, this.#options.session)],
        continues: false,
      });
    }
    this.#close(reason, error);
  }

  #close(reason: string, error?: GatewayError): void {
    if (!this.#closed) {
      this.#closed = true;
      this.#outputs.push({ type: 'close', reason, ...(error === undefined ? {} : { error }) });
    }
  }
}
