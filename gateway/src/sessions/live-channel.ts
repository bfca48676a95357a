import { strict as assert } from 'node:assert';
import { setImmediate } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Action, Attributes, GivenIds } from '../domain/action.ts';
import type { ClientClaims } from '../domain/client-claims.ts';
import type { Decision, Obligation } from '../domain/decision.ts';
import { changeEnvironment, tagsAttribute } from '../domain/environment.ts';
import { GatewayError } from '../domain/errors.ts';
import type { CallOptions, CallReceiver, UpstreamCall } from '../domain/call.ts';
import type { KnownFacts } from '../domain/known-facts.ts';
import type { Limits } from '../domain/limits.ts';
import { factsAmong, recordObligations } from '../domain/facts-only.ts';
import { ObligedRequests } from '../domain/obliged-requests.ts';
import { ownAttributes } from '../domain/own-attributes.ts';
import type { Identity } from '../domain/principal.ts';
import type { Control, HeldAct } from '../controls/control.ts';
import type { Channel, RequestOutcome, RequestRelation, RequestChange } from '../domain/channel.ts';
import { printFollowed } from '../domain/followed-values.ts';
import type { LookParts } from '../following/text-look.ts';
import type { Upstream } from '../domain/upstream.ts';
import { splitParts } from '../wire/split-parts.ts';
import { inRecords, type RecordKind, type RecordMeta } from '../domain/record.ts';
import type { Target } from '../domain/target.ts';
import type { TextChange } from '../domain/text-change.ts';
import { partBytesMax, type EntryDraft } from '../recording/batch.ts';
import type { Recorder } from '../recording/recorder.ts';
import type { Keeping } from '../recording/retention.ts';
import type { HttpCalls } from '../exchange/target/http-calls.ts';
import { UpstreamConnection } from '../wire/upstream-connection.ts';
import { connectAction } from './admit.ts';
import { Gate, type CurrentPolicy } from './gate.ts';
import { addressOf, type IdsOfTargets, type Owner } from './ids-of-targets.ts';
import type { LiveSession } from './live-session.ts';
import type { LiveSessions } from './live-sessions.ts';
import { Inspection, newsOf, type AskedValues } from '../following/inspection.ts';
import { MaskedAnswers, reportAttributes, reportOf, type AnswerReport } from './masked-answers.ts';
import { decisionFacts, printFacts, printMeta, RequestMeta } from './meta.ts';

/** When a channel ends, stopping its work at the target may take at most this long. */
const endingMs = 900;
/** The action of a record of given ids. Its first word tells the index that the gateway itself made the note. */
const giveAction = 'gateway.give_ids';

/** The action of records of values that are followed. */
const followAction = 'gateway.follow';
const leakSeverity = 'medium';

const noLooks: readonly TextChange[] = [];
const noDrafts: readonly EntryDraft[] = [];
const none: readonly Obligation[] = [];

export interface ChannelContext {
  readonly recorder: Recorder;
  readonly sessions: LiveSessions;
  readonly policy: CurrentPolicy;
  readonly controls: readonly Control[];
  readonly limits: Limits;
  readonly calls: HttpCalls;
  readonly ids: IdsOfTargets;
  readonly findTarget: (name: string) => Target | undefined;
  /** Returns a function that says how what goes over a channel is kept, by the rules in force when it is called. */
  readonly keepingOf: (channel: KnownFacts) => () => Keeping;
  /** Finds values of data classes, and follows them. */
  readonly looking: LookParts;
  /** Returns the names of the attributes of a protocol that are facts and no content. */
  readonly factNames: (protocol: string) => ReadonlySet<string>;
}

/** Content, and the obligations that say that only its facts are kept. */
interface KeptContent {
  readonly content: readonly Uint8Array[];
  readonly kept: readonly Obligation[];
}

/** The place of a request's first record: its number in the session, and its id in the log. */
interface MadeRecord {
  readonly seq: number;
  readonly record: string;
}

interface UnfinishedRequest {
  /** The records of the request after the first one. */
  readonly others: readonly EntryDraft[];
  readonly decision: Decision;
  /** Null: the request is not held. */
  readonly held: {
    /** The final decision. */
    readonly settled: Promise<Decision>;
    /** Aborts when the client no longer waits. */
    readonly withdrawn: AbortSignal;
    /** Returns what the request carries of the values that were seen while it was held; null if nothing. */
    readonly seen: () => AskedValues | null;
  } | null;
  readonly made: MadeRecord & { readonly changes: readonly TextChange[] };
  readonly action: Action;
}

/** Returns the attributes with which a record says what a client says of its own software. They hold no token. */
type DescribeClaims = (claims: ClientClaims) => Attributes;

interface ChannelOpening {
  readonly identity: Identity;
  readonly target: Target;
  /** Says how records of the channel are kept. */
  readonly keeping: () => Keeping;
  readonly address: string;
  readonly claims: ClientClaims;
  readonly describeClaims: DescribeClaims;
}

/** One channel of a session. A protocol reaches the gateway only through it. */
export class LiveChannel implements Channel {
  readonly number: number;
  readonly signal: AbortSignal;
  readonly limits: Limits;
  /** The target as it was when the channel was opened. The channel's connections lead there as long as it is open. */
  readonly #place: Target;
  #target: Target;
  /** The attributes with which a record says what the client said of itself. */
  #claims: Attributes;
  readonly #describeClaims: DescribeClaims;
  /** True if the tags of the target or the claims of the client have changed and no record states the new ones yet. */
  #isUnstated = false;
  readonly #context: ChannelContext;
  readonly #session: LiveSession;
  readonly #keeping: () => Keeping;
  readonly #identity: Identity;
  readonly #gate: Gate;
  /** Aborts when the channel closes, so that controls give up the acts that they hold. */
  readonly #left = new AbortController();
  readonly #leaving = (): AbortSignal => this.#left.signal;
  readonly #owner: Owner;
  readonly #requestMeta: RequestMeta;
  readonly #obliged = new ObligedRequests();
  /** The masks of the answers to requests. */
  readonly #masking = new MaskedAnswers();
  readonly #inspection: Inspection;
  /** The requests of which only the facts are kept. */
  readonly #factsOnly = new ObligedRequests();
  /** The request of a channel that is for it alone, with the obligations by which its answer is changed. */
  #alone: { readonly action: Action; readonly obligations: readonly Obligation[] } | null = null;
  readonly #disposals: (() => void)[] = [];
  #ending: Promise<void> | null = null;
  #closed = false;

  constructor(
    context: ChannelContext,
    session: LiveSession,
    opened: { readonly channel: number; readonly signal: AbortSignal },
    { identity, target, keeping, address, claims, describeClaims }: ChannelOpening,
  ) {
    this.#context = context;
    this.#session = session;
    this.#keeping = keeping;
    const owner = { principal: identity.principal.id, run: session.isRun ? session.id : null };
    this.#owner = owner;
    this.#identity = identity;
    this.#gate = new Gate({
      policy: context.policy,
      controls: context.controls,
      identity,
      target: () => this.#target,
      session: session.id,
      address,
      history: session.history,
      refusalOf: (ids) => context.ids.refusal(target, ids, owner),
    });
    this.#requestMeta = new RequestMeta(opened.channel);
    this.#inspection = new Inspection(context.looking);
    this.number = opened.channel;
    this.signal = opened.signal;
    this.#place = target;
    this.#target = target;
    this.#claims = describeClaims(claims);
    this.#describeClaims = describeClaims;
    this.limits = context.limits;
    this.onClose(context.sessions.onRecheck(this.#recheck));
    this.onClose(session.history.onAsked(this.#notePassed));
    const leave = (): void => {
      this.#left.abort(this.signal.reason);
    };
    this.signal.addEventListener('abort', leave, { once: true });
    this.onClose(() => {
      this.signal.removeEventListener('abort', leave);
    });
  }

  get target(): Target {
    return this.#target;
  }

  get session(): string {
    return this.#session.id;
  }

  get activity(): string {
    return this.#session.activity;
  }

  get principal(): string {
    return this.#owner.principal;
  }

  claim(claims: ClientClaims): void {
    const told = this.#describeClaims(claims);
    this.#isUnstated ||= !isDeepStrictEqual(told, this.#claims);
    this.#claims = told;
  }

  async connect(signal: AbortSignal = this.signal): Promise<Upstream> {
    this.#assertAddress();
    return UpstreamConnection.dial(this.#place, { dialMs: this.limits.dialMs, signal });
  }

  call(options: CallOptions, receiver: CallReceiver): UpstreamCall {
    this.#assertAddress();
    return this.#context.calls.begin(this.#place, options, receiver);
  }

  #assertAddress(): void {
    assert(this.target.command === undefined, 'a program is not dialled');
  }

  request(asked: Action, bytes: readonly Uint8Array[], relation?: RequestRelation): RequestOutcome | Promise<RequestOutcome> {
    const values = relation?.byGateway === true ? null : this.#askedValues(asked, bytes, relation);
    return values instanceof Promise
      ? values.then((found) => {
          this.#assertOpen();
          return this.#request(asked, bytes, { relation, values: found });
        })
      : this.#request(asked, bytes, { relation, values });
  }

  #request(
    asked: Action,
    bytes: readonly Uint8Array[],
    { relation, values }: { readonly relation: RequestRelation | undefined; readonly values: AskedValues | null },
  ): RequestOutcome | Promise<RequestOutcome> {
    const masked = relation?.change === undefined || relation.change === null ? null : reportOf(relation.change.texts);
    const action = withValues(asked, masked?.summary, values);
    let latest = values;
    const again = async (): Promise<Action> => {
      latest = await this.#askedValues(asked, bytes, relation);
      return withValues(asked, masked?.summary, latest);
    };
    // The facts are printed first, so that nothing is granted that cannot be recorded.
    const facts = this.#printFacts(action, bytes, relation?.partOf);
    const leaving = relation?.leaving ?? this.#leaving;
    const {
      decision,
      settle,
      changes: masks,
    } = relation?.byGateway === true
      ? { decision: this.#gate.ownDecision(), settle: null, changes: [] }
      : this.#gate.ask(action, bytes, leaving, { ...relation, again });
    const kept = this.#keptOf(decision, relation?.partOf);
    const attributes = kept.length === 0 ? facts : printFacts(this.#factsAmong(action.attributes, bytes));
    const meta = this.#requestMeta.print(action, attributes, decision, relation?.partOf);
    const [continues, repeats] = [relation?.continues === true, relation?.repeats === true];
    const draft: EntryDraft = { kind: 'request', meta, content: bytes, continues, repeats, keeping: this.#keeping() };
    const { seq, others } = this.#appendFirst(kept.length === 0 ? draft : { ...draft, factsOnly: true }, relation?.partOf, kept);
    if (kept.length > 0 && relation?.partOf === undefined) {
      this.#factsOnly.add(seq, kept);
    }
    // The id is read after the append, because the append may have put a record of the gateway's own before this one.
    const record = this.#newestRecord();
    if ((relation?.partOf === undefined || relation.isMessage === true) && decision.obligations.length > 0) {
      this.#noteObligations(action, decision, { seq, answeredAs: relation?.partOf ?? seq });
    }
    const answeredAs = relation?.partOf ?? seq;
    const changes = [...this.#looks(decision, answeredAs, relation), ...masks];
    this.#masking.add(answeredAs, changes, relation?.isAlone !== true);
    if (values !== null) {
      this.#noteLeak(action, decision, { seq, values });
    }
    if (relation?.isAlone === true) {
      this.#alone = { action, obligations: decision.obligations };
    }
    if (masked !== null) {
      this.#record('mask', { action: 'gateway.mask', request: seq, policies: masked.policies, attributes: { ...masked.summary, ...masked.values } }, [], false);
    }
    if (settle === null) {
      this.#remember(action, decision);
      if (others.length === 0) {
        const { grant } = this.#gate.grant(decision, bytes);
        return { decision, grant, changes, seq, record };
      }
    }
    const unfinished = { others, decision, made: { changes, seq, record }, action };
    if (settle === null) {
      return this.#finishRequest({ ...unfinished, held: null }, bytes);
    }
    const withdrawn = leaving();
    const settled = settle(this.#held(action, decision, { seq, record, withdrawn, onHeld: relation?.onHeld, isFactsOnly: kept.length > 0 }));
    const seen = (): AskedValues | null => newsOf(values, latest);
    return this.#finishRequest({ ...unfinished, held: { settled, withdrawn, seen } }, bytes);
  }

  #askedValues(asked: Action, bytes: readonly Uint8Array[], relation: RequestRelation | undefined): ReturnType<Inspection['ask']> {
    const { history } = this.#session;
    history.asked();
    return this.#inspection.ask(asked, bytes, { target: this.target, followed: history.followed, partOf: relation?.partOf });
  }

  /** Returns the looks at the answer to a request. */
  #looks({ verdict, obligations }: Decision, answeredAs: number, relation: RequestRelation | undefined): readonly TextChange[] {
    if (verdict === 'deny' || relation?.byGateway === true || (relation?.partOf !== undefined && relation.isMessage !== true)) {
      return noLooks;
    }
    const classes = this.#inspection.classes(obligations, this.target);
    const isInOrder = relation?.isAlone !== true;
    return classes.length === 0 ? noLooks : [this.#masking.lookAt(answeredAs, { classes, isInOrder }, () => this.#inspection.look(classes, this.target))];
  }

  /** Records what the client has of answers and was not seen yet, because more of it may come. */
  readonly #notePassed = (): void => {
    const { classes, followed } = this.#session.history;
    for (const [request, seen] of this.#masking.peek()) {
      if (seen.classes.some((name) => !classes.has(name)) || seen.values.some(({ name, print }) => !followed.has(name, print))) {
        this.#noteRest(request, { masked: null, seen: [seen] });
      }
    }
  };

  /** Records what was seen of an answer after its last record. */
  #noteRest(request: number, report: AnswerReport): void {
    const attributes = reportAttributes(report);
    this.#session.history.answered(attributes, 0);
    const event = this.#record('event', { action: followAction, request, attributes }, [], false);
    this.#follow(report, request, event);
  }

  /** Follows the values of an answer, and records which. */
  #follow({ seen }: AnswerReport, request: number | undefined, answer: number): void {
    const { followed } = this.#session.history;
    const wasCut = followed.isCut;
    const record = this.#newestRecord();
    const values = seen.flatMap((each) => each.values.map((value) => ({ ...value, record }))).filter((value) => followed.add(value));
    const tied = request === undefined ? {} : { request };
    const note = (attributes: Attributes): void => {
      this.#record('event', { action: followAction, ...tied, attributes: { ...attributes, [ownAttributes.answer]: answer } }, [], false);
    };
    for (const texts of inRecords(values.map((value) => printFollowed(value)))) {
      note({ [ownAttributes.followed]: texts });
    }
    if (followed.isCut && !wasCut) {
      note({ [ownAttributes.followedIsCut]: true });
    }
  }

  /** Records an alert if values go to this target for the first time although they came from another one, and no policy names an alert for that. */
  #noteLeak(action: Action, { verdict, obligations, policyVersion }: Decision, { seq, values }: { readonly seq: number; readonly values: AskedValues }): void {
    const isAlerted = obligations.some(({ kind }) => kind === 'alert');
    const leaks =
      verdict === 'deny' ? [] : values.carried.filter(({ source }) => !isOf(source, this.target.name)).map(({ name, source }) => `${name} ${source}`);
    const news = [...new Set(leaks)].filter((leak) => this.#session.history.leaks(`${leak} ${this.target.name}`));
    if (news.length > 0 && !isAlerted) {
      const attributes = { [ownAttributes.severity]: leakSeverity, [ownAttributes.leak]: news };
      this.record('alert', { action: action.name, request: seq, reason: `values of other targets go to ${this.target.name}`, policyVersion, attributes }, []);
    }
  }

  /** Has a recorded request counted by the controls that count, and records its alerts. */
  #noteObligations(
    action: Action,
    { verdict, reason, obligations, policyVersion }: Decision,
    { seq, answeredAs }: { readonly seq: number; readonly answeredAs: number },
  ): void {
    if (verdict !== 'deny') {
      this.#gate.asked(action, obligations);
      this.#obliged.add(answeredAs, obligations);
    }
    for (const { kind, parameters } of obligations) {
      if (kind === 'alert') {
        const { severity = '', policy } = parameters;
        const attributes = { [ownAttributes.severity]: severity };
        this.record(
          'alert',
          { action: action.name, request: seq, reason, policyVersion, ...(policy === undefined ? {} : { policies: [policy] }), attributes },
          [],
        );
      }
    }
  }

  /** Describes a held request for the controls that decide on it. */
  #held(
    { name }: Action,
    decision: Decision,
    { seq, record, withdrawn, onHeld, isFactsOnly }: MadeRecord & Pick<HeldAct, 'withdrawn' | 'isFactsOnly'> & { readonly onHeld: RequestRelation['onHeld'] },
  ): HeldAct {
    return {
      session: this.#session.id,
      seq,
      record,
      decision,
      standing: this.#identity.standing,
      isFactsOnly,
      withdrawn,
      onEnded: (act) => this.#session.onEnded(act),
      tell: (notice) => onHeld?.({ ...notice, request: seq, record }),
      note: (all) => {
        const attributes = isFactsOnly ? this.#factsAmong(all, []) : all;
        const meta = { action: name, request: seq, policyVersion: decision.policyVersion, attributes };
        this.#session.noteApproval(this.number, meta, { record, keeping: this.#keeping() });
        return this.#newestRecord();
      },
    };
  }

  /** Returns the name in the log of the record that was appended last. */
  #newestRecord(): string {
    const { recorder } = this.#context;
    return `${recorder.gatewayId}/${recorder.size - 1}`;
  }

  /** Adds a request that is decided to what the session did. A request whose approval is still open did nothing yet, and nobody denied one that is to be sent again in a moment. */
  #remember({ attributes }: Action, { verdict, approval, answeredAs }: Decision): void {
    const { history } = this.#session;
    if (verdict === 'allow') {
      history.allowed(this.target.name, attributes);
      if (approval !== undefined) {
        history.approved();
      }
    } else if (verdict === 'deny' && answeredAs !== 'catching_up') {
      history.denied();
    }
  }

  answered(request: number): void {
    const report = this.#masking.over(request);
    if (report !== null && !this.#closed) {
      this.#noteRest(request, report);
    }
  }

  isObliged(action: Action): boolean {
    return this.#gate.isObliged(action);
  }

  requestChange(action: Action, bytes: readonly Uint8Array[]): RequestChange | null {
    return this.#gate.requestChange(action, bytes);
  }

  decide(action: Action, bytes?: readonly Uint8Array[]): Decision | Promise<Decision> {
    const values = bytes === undefined ? null : this.#askedValues(action, bytes, undefined);
    const decideWith = (found: AskedValues | null): Decision => this.#gate.decide(withValues(action, undefined, found));
    return values instanceof Promise ? values.then(decideWith) : decideWith(values);
  }

  record(kind: RecordKind, meta: Omit<RecordMeta, 'channel'>, content: readonly Uint8Array[], continues = false): number {
    if (kind === 'response') {
      const { attributes = {}, request } = meta;
      const bytes = lengthOf(content);
      const report = this.#masking.report(request);
      const told = report === null ? attributes : { ...attributes, ...reportAttributes(report) };
      this.#session.history.answered(told, bytes);
      this.#gate.answered(this.#obliged.of(request), { attributes, bytes });
      if (report !== null) {
        const seq = this.#record(kind, { ...meta, attributes: told }, content, continues);
        this.#follow(report, request, seq);
        const { masked } = report;
        if (masked !== null) {
          const tied = request === undefined ? {} : { request };
          this.#record(
            'mask',
            { action: 'gateway.mask', ...tied, policies: masked.policies, attributes: { ...masked.summary, ...masked.values, [ownAttributes.answer]: seq } },
            [],
            false,
          );
        }
        return seq;
      }
    }
    return this.#record(kind, meta, content, continues);
  }

  #record(kind: RecordKind, meta: Omit<RecordMeta, 'channel'>, content: readonly Uint8Array[], continues: boolean): number {
    if (kind === 'request') {
      const { action = '', attributes = {}, request } = meta;
      const own = request === undefined ? none : this.#factsOnly.of(request);
      const isEndOfRequest = request !== undefined && meta.verdict === undefined;
      const kept = own.length > 0 || isEndOfRequest ? own : this.#gate.recordOfUnchanged({ name: action, attributes });
      return this.#recordRefused(meta, { content, kept });
    }
    const kept = this.#factsOnly.isEmpty || (meta.request === undefined && kind !== 'response') ? none : this.#factsOnly.of(meta.request);
    if (kept.length === 0) {
      return this.#append({ kind, meta: printMeta(this.number, meta), content, continues, keeping: this.#keeping() }, meta.request);
    }
    return this.#appendFacts({ kind, continues }, meta, { content, kept });
  }

  /** Records a request that policy is not asked about, because it cannot go on in any case. The reason may quote the request, so it is not kept where only facts are. */
  #recordRefused(meta: Omit<RecordMeta, 'channel'>, { content, kept }: KeptContent): number {
    if (kept.length === 0) {
      return this.#append({ kind: 'request', meta: printMeta(this.number, meta), content, keeping: this.#keeping() }, meta.request);
    }
    const reason = meta.reason === undefined ? {} : { reason: 'it was refused before policy was asked' };
    const seq = this.#appendFacts({ kind: 'request', continues: false }, { ...meta, ...reason }, { content, kept });
    if (meta.request === undefined) {
      this.#factsOnly.add(seq, kept);
    }
    return seq;
  }

  /** Appends a record of which only the facts are kept. */
  #appendFacts(
    draft: Pick<EntryDraft, 'kind' | 'continues'>,
    { attributes = {}, ...meta }: Omit<RecordMeta, 'channel'>,
    { content, kept }: KeptContent,
  ): number {
    const printed = printMeta(this.number, { ...meta, obligations: kept, attributes: this.#factsAmong(attributes, content) });
    return this.#append({ ...draft, meta: printed, content, factsOnly: true, keeping: this.#keeping() }, meta.request, kept);
  }

  #factsAmong(attributes: Attributes, content: readonly Uint8Array[]): Attributes {
    return factsAmong(attributes, this.#context.factNames(this.target.protocol), lengthOf(content));
  }

  /** Returns the obligations that say that only the facts of a request are kept; none if its content is kept. A part is kept as what it is part of. */
  #keptOf({ obligations }: Decision, partOf: number | undefined): readonly Obligation[] {
    if (obligations.length === 0 && (partOf === undefined || this.#factsOnly.isEmpty)) {
      return none;
    }
    const own = recordObligations(obligations);
    return own.length > 0 || partOf === undefined ? own : this.#factsOnly.of(partOf);
  }

  give(given: GivenIds): void {
    const told = this.#context.ids.give(this.target, given, this.#owner);
    for (const texts of inRecords(told)) {
      this.record('event', { action: giveAction, attributes: { [ownAttributes.target]: addressOf(this.target), [ownAttributes.told]: texts } }, []);
    }
  }

  whenCommitted(release: () => void): void {
    this.#context.recorder.whenCommitted(this.target.durability, release);
  }

  onSignal(key: Uint8Array, handler: () => Promise<void>): void {
    this.#disposals.push(this.#context.sessions.onSignal(key, handler));
  }

  onEnding(stop: (limit: AbortSignal) => Promise<void>): void {
    const end = (): void => {
      const limit = new AbortController();
      const timer = setTimeout(() => {
        limit.abort(new GatewayError('deadline_exceeded', 'The target took too long to stop.'));
      }, endingMs);
      this.#ending = stop(limit.signal).finally(() => {
        clearTimeout(timer);
      });
    };
    this.signal.addEventListener('abort', end, { once: true });
    this.#disposals.push(() => {
      this.signal.removeEventListener('abort', end);
    });
  }

  /** Registers an act that runs when the channel closes. */
  onClose(act: () => void): void {
    this.#disposals.push(act);
  }

  onSessionEnd(giveUp: () => Promise<void>): void {
    this.#session.onEnd(giveUp);
  }

  async close(reason: string, _error?: GatewayError): Promise<void> {
    if (this.#closed) {
      return;
    }
    this.#closed = true;
    for (const [request, report] of this.#masking.end()) {
      this.#noteRest(request, report);
    }
    this.#left.abort(new GatewayError('malformed', 'The client left before its request was decided.'));
    for (const dispose of this.#disposals) {
      dispose();
    }
    if (this.#ending !== null) {
      await this.#ending;
    }
    this.#session.closeChannel(this.number, reason, this.#keeping());
  }

  /**
   * Called after each change of the configuration. `newLimits` names the limits that came into force with it. What answers to earlier requests still bring counts
   * for those under which a request of this channel may be: what exactly these requests were is in the record alone, so a window is rather too full.
   */
  readonly #recheck = (newLimits: ReadonlySet<string>): void => {
    this.#redescribe();
    const limits = newLimits.size === 0 ? none : this.#gate.limitsOfAny(newLimits);
    if (limits.length > 0) {
      this.#obliged.addLater(this.#session.track.seq, limits);
    }
    this.#recheckConnection();
    this.#recheckAnswer();
  };

  /**
   * Takes the target as the configuration in force describes it. The next record of the channel states changed tags, by which policy decides from now on. If they are
   * about another place than that to which this channel leads, it ends: nothing is decided here by what is said of elsewhere.
   */
  #redescribe(): void {
    const now = this.#context.findTarget(this.#target.name);
    const target = now === undefined ? this.#target : redescribed(this.#target, now);
    if (now !== undefined && target !== this.#target && !isSamePlace(target, now)) {
      const reason = `${now.name} is another place by now, with other tags or another mode, and this connection leads to the one before: connect again.`;
      this.#session.endChannel(this.number, { reason: 'withdrawn', error: new GatewayError('refused', reason) });
    }
    this.#isUnstated ||= !isDeepStrictEqual(target.tags, this.#target.tags);
    this.#target = target;
  }

  /** Asks policy again whether this connection is allowed, and ends the channel if not. A long answer (a stream, notifications) sends no new request that would be decided on. */
  #recheckConnection(): void {
    const decision = this.#gate.decide(connectAction(this.target.protocol));
    // A credential that ended ends the whole session, in words of its own.
    if (decision.verdict !== 'allow' && decision.answeredAs !== 'catching_up' && this.#identity.standing.ended() === null) {
      this.#session.endChannel(this.number, { reason: 'withdrawn', error: new GatewayError('refused', decision.reason) });
    }
  }

  /** Ends the channel if its answer, which may go on for long, would be changed in another way by now. Whoever asks again gets the changed one. */
  #recheckAnswer(): void {
    const { action, obligations = none } = this.#alone ?? {};
    const now = action === undefined ? none : this.#gate.answerChanges(action);
    if (now.some((each) => !obligations.some((known) => isDeepStrictEqual(known, each)))) {
      const error = new GatewayError('refused', 'Policy changes texts in this answer by now, and its beginning was decided on before. Ask again.');
      this.#session.endChannel(this.number, { reason: 'withdrawn', error });
    }
  }

  /** Prints the attributes of an action as JSON. Throws GatewayError `limit_exceeded`; the request is then recorded as denied. */
  #printFacts(action: Action, content: readonly Uint8Array[], partOf: number | undefined): string {
    try {
      return this.#requestMeta.facts(action);
    } catch (error) {
      if (error instanceof GatewayError) {
        const kept = partOf === undefined ? this.#gate.recordOf(action) : this.#factsOnly.of(partOf);
        this.#recordRefused({ action: action.name, verdict: 'deny', reason: error.message }, { content, kept });
      }
      throw error;
    }
  }

  /**
   * Appends content of any length: content that does not fit one record continues in the next. `request` is the request that the records answer or continue;
   * without it, the further records continue the first of them. Returns the sequence number of the first record.
   */
  #append(draft: EntryDraft, request?: number, kept = none): number {
    const { seq, others } = this.#appendFirst(draft, request, kept);
    for (const other of others) {
      this.#session.append(other);
    }
    return seq;
  }

  /** Appends the first record of a draft, and returns its sequence number and the drafts of the further records. */
  #appendFirst(draft: EntryDraft, request: number | undefined, kept: readonly Obligation[]): { readonly seq: number; readonly others: readonly EntryDraft[] } {
    const session = this.#session;
    if (this.#isUnstated) {
      this.#isUnstated = false;
      this.record('event', { action: changeEnvironment, attributes: { ...tagsAttribute(this.#target.tags), ...this.#claims } }, []);
    }
    if (lengthOf(draft.content) <= partBytesMax) {
      return { seq: session.append(draft), others: noDrafts };
    }
    const [first = [], ...rest] = splitParts(draft.content, partBytesMax);
    const seq = session.append({ ...draft, content: first, continues: true });
    const meta = printMeta(this.number, { request: request ?? seq, ...(kept.length === 0 ? {} : { obligations: kept }) });
    const others = rest.map((content, i) => ({ ...draft, meta, content, continues: draft.continues === true || i < rest.length - 1 }));
    return { seq, others };
  }

  /** Completes a request that takes longer than one turn: appends its further records and waits for the decision if it is held. Rejects with the reason for which the channel ended meanwhile. */
  async #finishRequest({ others, decision: first, held, made, action }: UnfinishedRequest, bytes: readonly Uint8Array[]): Promise<RequestOutcome> {
    await this.#appendInTurns(others);
    if (held === null) {
      return { ...this.#gate.grant(first, bytes), ...made };
    }
    const decision = await unlessAborted(held.settled, held.withdrawn);
    if (decision.verdict !== 'hold') {
      const seen = held.seen();
      this.record(
        'decision',
        { action: action.name, request: made.seq, ...decisionFacts(decision), ...(seen === null ? {} : { attributes: seen.attributes }) },
        [],
      );
      if (seen !== null) {
        this.#noteLeak(action, decision, { seq: made.seq, values: seen });
      }
    }
    this.#remember(action, decision);
    return { ...this.#gate.grant(decision, bytes), ...made };
  }

  /** Appends one record in each turn of the event loop, because sealing takes time. If the channel ends before all are appended, the request stays incomplete and is not forwarded. */
  async #appendInTurns(drafts: readonly EntryDraft[]): Promise<void> {
    for (const draft of drafts) {
      await setImmediate();
      this.#assertOpen();
      this.#session.append(draft);
    }
  }

  #assertOpen(): void {
    this.signal.throwIfAborted();
    if (this.#closed) {
      throw new GatewayError('malformed', 'The client left before all of its request was recorded.');
    }
  }
}

/**
 * Returns a target that is in use as another configuration describes it: with its tags and its mode, and with its options if they are about the same place. The
 * place and the credential stay. The same object if nothing of this differs.
 */
function redescribed(used: Target, now: Target): Target {
  const { tags: _tags, mode: _mode, inspect: _inspect, ...place } = used;
  const target: Target = {
    ...place,
    options: isSamePlace(used, now) ? now.options : used.options,
    ...(now.tags === undefined ? {} : { tags: now.tags }),
    ...(now.mode === undefined ? {} : { mode: now.mode }),
    ...(now.inspect === undefined ? {} : { inspect: now.inspect }),
  };
  return isDeepStrictEqual(target, used) ? used : target;
}

/** Returns an action with what is known of its values. Without any it stays the same object, which what follows from it is kept for. */
function withValues(asked: Action, masked: Attributes | undefined, values: AskedValues | null): Action {
  if (masked === undefined && values === null) {
    return asked;
  }
  const classes = [masked?.[ownAttributes.classes] ?? [], values?.attributes[ownAttributes.classes] ?? []].flat().map(String);
  const attributes = {
    ...asked.attributes,
    ...masked,
    ...values?.attributes,
    ...(classes.length === 0 ? {} : { [ownAttributes.classes]: [...new Set(classes)].toSorted() }),
  };
  return { ...asked, attributes, isOnce: true };
}

/** True if values of a source came from a target. */
function isOf(source: string, target: string): boolean {
  return source === target || source.startsWith(`${target}/`) || source.startsWith(`${target}:/`);
}

function isSamePlace(used: Target, now: Target): boolean {
  return (['protocol', 'scheme', 'host', 'port', 'path', 'user'] as const).every((part) => used[part] === now[part]);
}

function lengthOf(content: readonly Uint8Array[]): number {
  let bytes = 0;
  for (const part of content) {
    bytes += part.length;
  }
  return bytes;
}

/** Waits for a promise. Rejects with the signal's reason if the signal aborts first. */
async function unlessAborted<Result>(pending: Promise<Result>, signal: AbortSignal): Promise<Result> {
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => {
    aborted.reject(signal.reason);
  };
  signal.addEventListener('abort', abort, { once: true });
  try {
    signal.throwIfAborted();
    return await Promise.race([pending, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
