import { strict as assert } from 'node:assert';
import type { Action } from '../../domain/action.ts';
import type { Decision, Verdict } from '../../domain/decision.ts';
import { GatewayError } from '../../domain/errors.ts';
import type { UpstreamCall } from '../../domain/call.ts';
import { Grant } from '../../domain/grant.ts';
import { defaultLimits, type Limits } from '../../domain/limits.ts';
import type { Channel, RequestChange, RequestOutcome, RequestRelation } from '../../domain/channel.ts';
import type { Upstream } from '../../domain/upstream.ts';
import type { Target } from '../../domain/target.ts';

export interface MemoryRecord {
  readonly kind: string;
  readonly text: string;
  readonly verdict?: Verdict;
  readonly byGateway?: boolean;
}

/**
 * A session that records in memory and commits when told to (`autoCommit`: on the next turn). `deny` and `hold` at the beginning of a request
 * are its policy.
 */
export class MemoryChannel implements Channel {
  readonly session = '0'.repeat(32);
  readonly activity = this.session;
  readonly principal = 'somebody';
  readonly number = 1;
  readonly target: Target = {
    name: 'test',
    protocol: 'test',
    scheme: 'test',
    host: '127.0.0.1',
    port: 1,
    path: '',
    user: '',
    durability: 'process',
    options: {},
  };
  readonly limits: Limits;
  readonly controller = new AbortController();
  readonly signal = this.controller.signal;
  readonly records: MemoryRecord[] = [];
  readonly closes: { readonly reason: string; readonly code: string | undefined }[] = [];
  readonly heldRequests: ((verdict: Verdict) => void)[] = [];
  /** The change that all requests must go through. */
  wantedChange: RequestChange | null = null;
  autoCommit = true;
  keepsText = true;
  recordedBytes = 0;
  /** Records before the disk is full. */
  room = Infinity;
  #waiting: (() => void)[] = [];

  constructor(limits: Partial<Limits> = {}) {
    this.limits = { ...defaultLimits, ...limits };
  }

  connect(): Promise<Upstream> {
    return Promise.reject(new GatewayError('unsupported', 'The test dials by itself.'));
  }

  call(): UpstreamCall {
    throw new GatewayError('unsupported', 'The test dials by itself.');
  }

  answered(): void {
    // Nothing is looked at.
  }

  isObliged(): boolean {
    return this.wantedChange !== null;
  }

  requestChange(): RequestChange | null {
    return this.wantedChange;
  }

  decide(): Decision {
    return { verdict: 'allow', policies: [], policyVersion: '1', reason: 'the test says so', obligations: [] };
  }

  request(action: Action, bytes: readonly Uint8Array[], relation?: RequestRelation): RequestOutcome | Promise<RequestOutcome> {
    const text = Buffer.concat(bytes).toString('latin1');
    assert.equal(relation?.change ?? null, this.wantedChange);
    const decide = (verdict: Verdict): RequestOutcome => {
      const seq = this.#append({ kind: `request ${action.name}`, text, verdict, byGateway: relation?.byGateway === true }, bytes);
      const decision: Decision = { ...this.decide(), verdict };
      const record = `memory/${seq}`;
      return verdict === 'allow' ? { decision, grant: new Grant(bytes), seq, record } : { decision, grant: null, seq, record };
    };
    if (!text.startsWith('hold')) {
      return decide(text.startsWith('deny') ? 'deny' : 'allow');
    }
    const { promise, resolve } = Promise.withResolvers<RequestOutcome>();
    this.heldRequests.push((verdict) => {
      resolve(decide(verdict));
    });
    return promise;
  }

  record(kind: string, _meta: unknown, content: readonly Uint8Array[]): number {
    return this.#append({ kind, text: this.keepsText ? Buffer.concat(content).toString('latin1') : '' }, content);
  }

  claim(): void {
    // These tests look at no claims.
  }

  give(): void {
    // These tests give no ids.
  }

  whenCommitted(release: () => void): void {
    this.#waiting.push(release);
    if (this.autoCommit && this.#waiting.length === 1) {
      setImmediate(() => {
        this.commit();
      });
    }
  }

  /** Commits everything so far. */
  commit(): void {
    for (const release of this.#waiting.splice(0)) {
      release();
    }
  }

  onSignal(): void {
    // Nobody signals in these tests.
  }

  onEnding(): void {
    // Nothing is left going on at a target in memory.
  }

  onSessionEnd(): void {
    // Nothing is kept for a session in memory.
  }

  close(reason: string, error?: GatewayError): Promise<void> {
    this.closes.push({ reason, code: error?.code });
    return Promise.resolve();
  }

  textOf(kind: string): string {
    return this.records
      .filter((record) => record.kind === kind)
      .map(({ text }) => text)
      .join('');
  }

  #append(record: MemoryRecord, content: readonly Uint8Array[]): number {
    if (this.room <= 0) {
      throw new GatewayError('cannot_record', 'The disk is full.');
    }
    this.room -= 1;
    for (const bytes of content) {
      this.recordedBytes += bytes.length;
    }
    return this.records.push(record) - 1;
  }
}
