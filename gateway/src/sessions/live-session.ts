import type { Attributes } from '../domain/action.ts';
import { GatewayError } from '../domain/errors.ts';
import { ownAttributes } from '../domain/own-attributes.ts';
import type { Principal, Standing } from '../domain/principal.ts';
import { continueSession, disconnectAction, runAction, type ChannelFacts, type RecordKind, type RecordMeta } from '../domain/record.ts';
import type { TargetFacts } from '../domain/target.ts';
import { traceFact } from '../domain/trace-context.ts';
import type { EntryDraft, SessionTrack } from '../recording/batch.ts';
import type { Keeping } from '../recording/retention.ts';
import type { Recorder } from '../recording/recorder.ts';
import { printMeta } from './meta.ts';
import { changeEnvironment, type CurrentEnvironment, type Environment } from '../domain/environment.ts';
import { LiveHistory, printHistory, type HistorySummary } from '../domain/session-history.ts';

/** Most levels of runs inside runs, and most open runs inside one run. */
const depthMax = 8;
const childrenMax = 256;

/** The reason for which a channel is ended from outside. */
export interface Ending {
  readonly reason: string;
  readonly error: GatewayError;
  /** Who ended it and why. This is sealed with the facts of the session. */
  readonly facts?: Readonly<Record<string, unknown>>;
}

/** The facts of a run: its principal, its targets, and who opened it. */
export interface RunFacts {
  readonly principal: Principal;
  readonly tokenId: string;
  readonly address: string;
  readonly by: string;
  readonly command: string;
  /** The targets that the run was given. */
  readonly targets: readonly TargetFacts[];
  /** The trace context that the run's command gets, so that its requests belong to one trace. */
  readonly traceparent: string;
}

/** Limits of a session of a token's activity: it ends after `idleMs` without a channel, and continues in a next session after `ageMs` or `recordsMax` records. */
export interface ActivityLimits {
  readonly idleMs: number;
  readonly ageMs: number;
  readonly recordsMax: number;
}

/** How long a session lasts if nobody ends it: as long as its only channel, as long as its run, or until its limits. */
export type Lifetime = 'channel' | 'run' | ActivityLimits;

/** Called when a session is closed. `givenUp` resolves when everything that was kept for the session is released. */
export type SessionClosed = (session: LiveSession, givenUp: Promise<unknown>) => void;

export interface SessionOptions {
  readonly lifetime: Lifetime;
  readonly parent?: LiveSession;
  readonly environment: CurrentEnvironment;
  readonly closed: SessionClosed;
}

/** A session that is open: its place in the record and its live channels. */
export class LiveSession {
  readonly track: SessionTrack;
  readonly #lifetime: Lifetime;
  #idleTimer: NodeJS.Timeout | undefined;
  readonly #recorder: Recorder;
  /** The run in which this run was opened. This run ends with it. */
  readonly parent: LiveSession | null;
  readonly #children = new Set<LiveSession>();
  readonly #channels = new Map<number, AbortController>();
  /** The reasons for which single channels were ended, by channel. */
  readonly #endedFor = new Map<number, string>();
  readonly #closed: SessionClosed;
  #activity: string;
  #history: LiveHistory;
  #next: LiveSession | null = null;
  readonly #givingUp: (() => Promise<void>)[] = [];
  /** Functions that are called when the session is ended from outside. */
  readonly #whenEnded = new Set<(error: GatewayError) => void>();
  readonly #credentials = new Map<Standing, { readonly channels: Set<number>; readonly forget: () => void }>();
  readonly #openedMs = performance.now();
  /** Functions that let clients move to the next session. Each leaves its channel as soon as the channel is free. */
  readonly #leaving = new Set<() => void>();
  #token: string | null = null;
  #nextChannel = 1;
  readonly #environment: CurrentEnvironment;
  /** The environment that the session's records state. Null: none states one yet. */
  #stated: Environment | null = null;
  #ending: Ending | null = null;
  #isOpen = true;

  /** Opens and records a session. Throws GatewayError `cannot_record`; for a run inside another also `limit_exceeded`, or the reason why that one is ending. */
  constructor(recorder: Recorder, options: SessionOptions) {
    this.#recorder = recorder;
    this.#environment = options.environment;
    this.parent = options.parent ?? null;
    if (this.parent !== null) {
      this.parent.#checkRoom();
    }
    // Runs within one another act together: whatever one of them saw, another could send.
    this.#history = this.parent?.history ?? new LiveHistory();
    this.track = recorder.openSession();
    this.#activity = this.track.id;
    this.#lifetime = options.lifetime;
    this.#closed = options.closed;
    if (this.parent !== null) {
      this.parent.#children.add(this);
    }
  }

  /** The id of the principal that it is of; null while nobody has a valid credential in it. */
  get principal(): string | null {
    const [first] = this.#credentials.keys();
    return first?.principal.id ?? null;
  }

  get isEnding(): boolean {
    return this.#ending !== null;
  }

  get isRun(): boolean {
    return this.#lifetime === 'run';
  }

  /** True if the session is one of a token's activity. */
  get isActivity(): boolean {
    return typeof this.#lifetime === 'object';
  }

  /** True if the session takes no new channels. They belong to the next session of the activity. */
  get isFull(): boolean {
    const limits = this.#lifetime;
    return typeof limits === 'object' && (this.#next !== null || this.track.seq >= limits.recordsMax || performance.now() - this.#openedMs >= limits.ageMs);
  }

  /** Id of the session's token, which may outlive the session. Null before the token is known, and for a run. */
  get lastingToken(): string | null {
    return this.isRun ? null : this.#token;
  }

  get id(): string {
    return this.track.id;
  }

  /** The id of the first session of the activity to which this session belongs. */
  get activity(): string {
    return this.#activity;
  }

  /** The acts of the session, of those whose activity it continues, and of the runs that it is within and that are within it. */
  get history(): LiveHistory {
    return this.#history;
  }

  /**
   * Records the facts of a run before its first connection. If it is inside another run, that run's record notes it too. Throws GatewayError `cannot_record`,
   * or the reason why the session is ending.
   */
  describe(facts: RunFacts): void {
    this.#checkGoingOn();
    const { principal, by, command, traceparent } = facts;
    this.#record('decision', 0, {
      action: runAction,
      verdict: 'allow',
      attributes: {
        [ownAttributes.openedBy]: by,
        'process.command_line': command,
        ...traceFact(traceparent),
        ...(this.parent === null ? {} : { [ownAttributes.parentSession]: this.parent.id }),
      },
      opens: factsOfRun(facts),
    });
    this.parent?.note('gateway.nested_run', { [ownAttributes.childSession]: this.id, 'user.id': principal.id, 'process.command_line': command });
  }

  /** Records an event of the session as a whole; does nothing once the session is closed. Throws GatewayError `cannot_record`. */
  note(action: string, attributes: Attributes): void {
    if (!this.#isOpen) {
      return;
    }
    this.#record('event', 0, { action, attributes });
  }

  /**
   * Appends a record to the session, and returns its sequence number. If the environment has changed, a record before it states the new one. Throws GatewayError
   * `cannot_record`.
   */
  append(draft: EntryDraft): number {
    const environment = this.#environment();
    if (environment !== this.#stated && this.#stated !== null) {
      const meta = printMeta(0, { action: changeEnvironment, ...environment });
      this.#recorder.append(this.track, { kind: 'event', meta, content: [] });
      this.#stated = environment;
    }
    return this.#recorder.append(this.track, draft);
  }

  /** Appends a record without content. The first one also states the environment. */
  #record(kind: RecordKind, channel: number, meta: Omit<RecordMeta, 'channel'>, keeping?: Keeping): void {
    const first = this.#stated === null ? this.#environment() : null;
    const stating = first === null ? meta : { policyVersion: first.policyVersion, ...meta, attributes: { ...meta.attributes, ...first.attributes } };
    this.append({ kind, meta: printMeta(channel, stating), content: [], ...keptAs(keeping) });
    this.#stated ??= first;
  }

  /**
   * Records a step of the approval of a request. Once the session is closed, the record is in the gateway's own session and names the request by `record`. Throws
   * GatewayError `cannot_record`.
   */
  noteApproval(
    channel: number,
    meta: Omit<RecordMeta, 'channel' | 'opens'>,
    { record, keeping }: { readonly record: string; readonly keeping: Keeping },
  ): void {
    if (this.#isOpen) {
      this.#record('approval', channel, meta, keeping);
    } else {
      const about = { [ownAttributes.approvalRecord]: record, [ownAttributes.approvalSession]: this.id };
      const { request: _request, attributes, ...rest } = meta;
      const printed = printMeta(0, { ...rest, attributes: { ...attributes, ...about } });
      this.#recorder.append(this.#recorder.own, { kind: 'approval', meta: printed, content: [], keeping });
    }
  }

  /**
   * Continues the activity in another session. Each session names the other in its record. Channels that are in use continue here until they end, and then this
   * session closes. What is kept for this session is kept for the next. Throws GatewayError `cannot_record`.
   */
  continueIn(next: LiveSession): void {
    this.#next = next;
    next.#activity = this.#activity;
    next.#history = this.#history;
    next.#givingUp.push(...this.#givingUp.splice(0));
    for (const act of this.#whenEnded) {
      next.#whenEnded.add(act);
    }
    next.#noteHistory(this.id);
    this.note(continueSession, { [ownAttributes.nextSession]: next.id });
    for (const leave of this.#leaving) {
      leave();
    }
    if (this.#channels.size === 0) {
      this.#close('continued');
    }
  }

  /** Continues an activity that ended with an earlier gateway. Throws GatewayError `cannot_record`. */
  resume({ session, history }: { readonly session: string; readonly history: HistorySummary }): void {
    this.#history.include(history);
    this.#history.isPending = false;
    this.#noteHistory(session);
  }

  /** Records what the activity did so far, so that it is known after a restart. Only the last record names the session that is continued: without it that one counts by itself. */
  #noteHistory(previous: string): void {
    const records = printHistory(this.#history.summary);
    for (const [i, attributes] of records.entries()) {
      this.note(continueSession, i === records.length - 1 ? { ...attributes, [ownAttributes.previousSession]: previous } : attributes);
    }
  }

  /** Calls `leave` when the session continues in another one. Returns a function that cancels this. */
  onContinued(leave: () => void): () => void {
    this.#leaving.add(leave);
    return () => {
      this.#leaving.delete(leave);
    };
  }

  /**
   * Opens a channel and records its facts. `opening` has the verdict that allowed it, or no verdict if nobody was asked. Without `keeping` its records are kept as
   * those of the session. Throws GatewayError `cannot_record`, or the reason why the session is ending.
   */
  openChannel(
    facts: ChannelFacts,
    opening: Omit<RecordMeta, 'channel' | 'opens'>,
    keeping?: Keeping,
  ): { readonly channel: number; readonly signal: AbortSignal } {
    this.#checkGoingOn();
    const channel = this.#nextChannel;
    try {
      this.#record(opening.verdict === undefined ? 'event' : 'decision', channel, { ...opening, opens: facts }, keeping);
    } catch (error) {
      // A session whose first channel cannot be opened would never end, so it is closed here.
      if (!this.isRun && this.#channels.size === 0) {
        this.#close('error');
      }
      throw error;
    }
    clearTimeout(this.#idleTimer);
    this.#token = facts.tokenId;
    this.#nextChannel += 1;
    const controller = new AbortController();
    this.#channels.set(channel, controller);
    return { channel, signal: controller.signal };
  }

  /**
   * Ends the session when the credential ends. With a channel, the session is the activity of tokens that come one after the other: if the credential only
   * expires, what was opened with it ends and the session goes on.
   */
  endWith(credential: Standing, channel: number | null = null): void {
    if (!this.#isOpen) {
      return;
    }
    if (!this.#credentials.has(credential)) {
      const channels = new Set<number>();
      const forget = credential.onEnd((end) => {
        if (channel === null || end.reason !== 'expired') {
          this.end(end);
          return;
        }
        this.#credentials.delete(credential);
        channels.forEach((each) => {
          this.endChannel(each, end);
        });
      });
      this.#credentials.set(credential, { channels, forget });
    }
    if (channel !== null) {
      this.#credentials.get(credential)?.channels.add(channel);
    }
  }

  /** Registers an act that runs once this session, or the last session that continues its activity, is closed; at once if it is closed already. */
  onEnd(giveUp: () => Promise<void>): void {
    if (this.#next !== null) {
      this.#next.onEnd(giveUp);
    } else if (this.#isOpen) {
      this.#givingUp.push(giveUp);
    } else {
      void giveUp();
    }
  }

  /** Calls back when this session, or one that continues its activity, is ended from outside. Returns a function that cancels this. */
  onEnded(act: (error: GatewayError) => void): () => void {
    this.#whenEnded.add(act);
    const next = this.#next?.onEnded(act);
    return () => {
      this.#whenEnded.delete(act);
      next?.();
    };
  }

  /** Ends one channel. The session continues, unless it lasts only as long as this channel. */
  endChannel(channel: number, { reason, error }: Ending): void {
    const controller = this.#channels.get(channel);
    if (controller !== undefined && !controller.signal.aborted) {
      this.#endedFor.set(channel, reason);
      controller.abort(error);
    }
  }

  /** Closes a channel in the record. Further calls do nothing. If the session lasts only as long as its channel, it closes too. */
  closeChannel(channel: number, why: string, keeping?: Keeping): void {
    if (!this.#channels.delete(channel)) {
      return;
    }
    const reason = this.#endedFor.get(channel) ?? why;
    this.#endedFor.delete(channel);
    if (this.#lifetime !== 'channel' && this.#ending === null) {
      this.#record('event', channel, { action: disconnectAction, reason }, keeping);
      this.#awaitNext();
    } else if (this.#channels.size === 0) {
      this.#close(this.#ending?.reason ?? reason);
    }
  }

  /** The newest session of the activity. */
  get #newest(): LiveSession {
    return this.#next === null ? this : this.#next.#newest;
  }

  #awaitNext(): void {
    if (typeof this.#lifetime !== 'object' || this.#channels.size > 0) {
      return;
    }
    if (this.#next !== null) {
      this.#newest.#noteHistory(this.id);
      this.#close('continued');
    } else {
      this.#idleTimer = setTimeout(() => {
        this.#close('idle');
      }, this.#lifetime.idleMs).unref();
    }
  }

  /** Ends all channels and all runs inside the session. It closes when the last channel has told its client; if there is none, at once. */
  end(ending: Ending): void {
    if (this.#ending !== null) {
      return;
    }
    this.#ending = ending;
    for (const act of this.#whenEnded) {
      act(ending.error);
    }
    this.#whenEnded.clear();
    for (const controller of this.#channels.values()) {
      controller.abort(ending.error);
    }
    for (const child of this.#children) {
      child.end(ending);
    }
    if (this.#channels.size === 0) {
      try {
        this.#close(ending.reason);
      } catch {
        // This does not throw, because the caller may have to end further sessions. The next start closes this session in the record.
      }
    }
  }

  #checkGoingOn(): void {
    if (this.#ending !== null) {
      throw this.#ending.error;
    }
  }

  get #depth(): number {
    return this.parent === null ? 0 : this.parent.#depth + 1;
  }

  #checkRoom(): void {
    this.#checkGoingOn();
    if (this.#depth + 1 > depthMax || this.#children.size >= childrenMax) {
      throw new GatewayError('limit_exceeded', `A run may have at most ${childrenMax} runs inside it at once, ${depthMax} levels deep.`);
    }
  }

  #close(reason: string): void {
    clearTimeout(this.#idleTimer);
    this.#isOpen = false;
    for (const { forget } of this.#credentials.values()) {
      forget();
    }
    if (this.parent !== null) {
      this.parent.#children.delete(this);
    }
    try {
      this.#recorder.closeSession(this.track, reason, this.#ending?.facts);
    } finally {
      // If the session cannot be closed in the record, the next start closes it there; nobody waits for it here.
      this.#closed(this, Promise.allSettled(this.#givingUp.map(async (giveUp) => giveUp())));
    }
  }
}

function keptAs(keeping: Keeping | undefined): Pick<EntryDraft, 'keeping'> {
  return keeping === undefined ? {} : { keeping };
}

/** Returns the facts of a run's own channel, which leads to no target. */
export function factsOfRun({ principal, tokenId, address, targets }: RunFacts): ChannelFacts {
  return {
    principal: principal.id,
    principalKind: principal.kind,
    groups: principal.groups,
    tokenId,
    clientAddress: address,
    target: '',
    protocol: '',
    durability: '',
    targets,
  };
}
