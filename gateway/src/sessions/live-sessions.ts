import { strict as assert } from 'node:assert';
import type { CurrentEnvironment } from '../domain/environment.ts';
import { GatewayError } from '../domain/errors.ts';
import type { Recorder } from '../recording/recorder.ts';
import type { HistorySummary } from '../domain/session-history.ts';
import { LiveSession, type ActivityLimits, type Ending, type Lifetime } from './live-session.ts';

/** The activity of a token that ended with an earlier gateway: its last session, when that was closed (Unix ms), and what it did. */
interface LeftActivity {
  readonly token: string;
  readonly session: string;
  readonly closedMs: number;
  readonly history: HistorySummary;
}

/** The longest time that one timer can wait. */
const timerMsMax = 2 ** 31 - 1;

/** All sessions that are open, and the signals (cancel keys) of their channels. */
export class LiveSessions {
  readonly #recorder: Recorder;
  readonly #environment: CurrentEnvironment;
  readonly #sessions = new Map<string, LiveSession>();
  /** The sessions of tokens, by the public id of the token. */
  readonly #byToken = new Map<string, LiveSession>();
  /** The activities that ended with an earlier gateway and did not go on yet, by the public id of their token. */
  readonly #left = new Map<string, LeftActivity>();
  #isLeftKnown = false;
  readonly #signals = new Map<string, () => Promise<void>>();
  /** Resources of closed sessions that are being released. */
  readonly #givingUp = new Set<Promise<unknown>>();
  readonly #rechecks = new Set<(newLimits: ReadonlySet<string>) => void>();
  readonly #requireOpenable: () => void;
  #emptied: (() => void) | null = null;

  /** `requireOpenable` throws while no new session is to be opened. */
  constructor(recorder: Recorder, environment: CurrentEnvironment, requireOpenable: () => void = () => undefined) {
    this.#requireOpenable = requireOpenable;
    this.#recorder = recorder;
    this.#environment = environment;
  }

  get size(): number {
    return this.#sessions.size;
  }

  /**
   * Opens a session. `parent` is the run inside which a run is opened. `token` is the id of the token whose requests share this session, because they have no
   * connection of their own. Throws as the constructor of `LiveSession` does, and GatewayError `key_unavailable`.
   */
  open(lifetime: Lifetime, { parent, token }: { readonly parent?: LiveSession; readonly token?: string } = {}): LiveSession {
    this.#requireOpenable();
    return this.#open(lifetime, { ...(parent === undefined ? {} : { parent }), ...(token === undefined ? {} : { token }) });
  }

  #open(lifetime: Lifetime, { parent, token }: { readonly parent?: LiveSession; readonly token?: string }): LiveSession {
    const session = new LiveSession(this.#recorder, {
      lifetime,
      environment: this.#environment,
      ...(parent === undefined ? {} : { parent }),
      closed: (closed, givenUp) => {
        this.#givingUp.add(givenUp);
        void givenUp.finally(() => this.#givingUp.delete(givenUp));
        this.#sessions.delete(closed.id);
        if (token !== undefined && this.#byToken.get(token) === closed) {
          this.#byToken.delete(token);
        }
        if (this.#sessions.size === 0) {
          this.#emptied?.();
        }
      },
    });
    this.#sessions.set(session.id, session);
    if (token !== undefined) {
      this.#byToken.set(token, session);
    }
    return session;
  }

  /** Returns the session of a token's activity: the open one, its successor if that is full, or a new one. Throws GatewayError `cannot_record`. */
  ofToken(token: string, limits: ActivityLimits): LiveSession {
    const session = this.#byToken.get(token);
    if (session === undefined || session.isEnding) {
      return this.#openActivity(token, limits);
    }
    if (!session.isFull) {
      return session;
    }
    const next = this.#open(limits, { token });
    session.continueIn(next);
    return next;
  }

  #openActivity(token: string, limits: ActivityLimits): LiveSession {
    const session = this.open(limits, { token });
    const left = this.#left.get(token);
    this.#left.delete(token);
    if (left !== undefined && Date.now() - left.closedMs <= limits.idleMs) {
      resume(session, left);
    } else {
      session.history.isPending = !this.#isLeftKnown;
    }
    return session;
  }

  /** Takes up an activity that ended with an earlier gateway: the session of its token continues it. */
  takeUp(left: LeftActivity): void {
    const session = this.#byToken.get(left.token);
    if (session === undefined) {
      this.#left.set(left.token, left);
    } else {
      resume(session, left);
    }
  }

  /** To be called when all activities are taken up that ended with an earlier gateway. They are over if they do not go on within `idleMs`. */
  allTakenUp(idleMs: number): void {
    this.#isLeftKnown = true;
    for (const { history } of this.#byToken.values()) {
      history.isPending = false;
    }
    setTimeout(
      () => {
        this.#left.clear();
      },
      Math.min(idleMs, timerMsMax),
    ).unref();
  }

  find(id: string): LiveSession | null {
    return this.#sessions.get(id) ?? null;
  }

  /** Returns how many sessions are open of each principal that has any. */
  countByPrincipal(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const { principal } of this.#sessions.values()) {
      if (principal !== null) {
        counts.set(principal, (counts.get(principal) ?? 0) + 1);
      }
    }
    return counts;
  }

  /** Returns the run of a token. Throws GatewayError `unauthenticated` if the run has ended. */
  findRun(id: string): LiveSession {
    const run = this.find(id);
    if (run === null) {
      throw new GatewayError('unauthenticated', 'The run that this token belongs to has ended.');
    }
    return run;
  }

  /**
   * Ends all sessions. Resolves when each has told its clients, is closed in the record and has released what was kept for it; at the latest after `limitMs`.
   */
  async endAll(ending: Ending, limitMs: number): Promise<void> {
    const emptied = new Promise<void>((resolve) => {
      this.#emptied = resolve;
    });
    for (const session of Array.from(this.#sessions.values())) {
      session.end(ending);
    }
    const timeout = Promise.withResolvers<void>();
    const timer = setTimeout(timeout.resolve, limitMs);
    if (this.#sessions.size > 0) {
      await Promise.race([emptied, timeout.promise]);
    }
    await Promise.race([Promise.all(this.#givingUp), timeout.promise]);
    clearTimeout(timer);
  }

  /** Asks each channel again whether it is still allowed. To be called when the configuration changed: clients that lost access are told, and their channels end. `newLimits` names the limits that came into force with it. */
  recheck(newLimits: ReadonlySet<string>): void {
    for (const recheck of Array.from(this.#rechecks)) {
      recheck(newLimits);
    }
  }

  /** Calls back after each change of the configuration, with the names of the limits that came into force. Returns a function that cancels this. */
  onRecheck(recheck: (newLimits: ReadonlySet<string>) => void): () => void {
    this.#rechecks.add(recheck);
    return () => {
      this.#rechecks.delete(recheck);
    };
  }

  onSignal(key: Uint8Array, handler: () => Promise<void>): () => void {
    assert(key.length > 0, 'a key that anybody could name is none');
    const name = Buffer.from(key).toString('hex');
    this.#signals.set(name, handler);
    return () => {
      this.#signals.delete(name);
    };
  }

  /** Delivers a signal. Resolves with false if no channel has registered the key. */
  async signal(key: Uint8Array): Promise<boolean> {
    const handler = this.#signals.get(Buffer.from(key).toString('hex'));
    await handler?.();
    return handler !== undefined;
  }
}

/** Continues an activity in a session. If that cannot be recorded, the session ends. */
function resume(session: LiveSession, left: LeftActivity): void {
  try {
    session.resume(left);
  } catch (cause) {
    session.end({ reason: 'cannot_record', error: new GatewayError('cannot_record', 'The record cannot be written, so nothing is let through.', { cause }) });
  }
}
