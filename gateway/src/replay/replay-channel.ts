import type { Action } from '../domain/action.ts';
import type { Decision } from '../domain/decision.ts';
import { GatewayError } from '../domain/errors.ts';
import type { CallOptions, CallReceiver, UpstreamCall } from '../domain/call.ts';
import { defaultLimits } from '../domain/limits.ts';
import type { Identity, Principal } from '../domain/principal.ts';
import type { Channel, RequestChange, RequestOutcome } from '../domain/channel.ts';
import type { Protocol } from '../domain/protocol.ts';
import type { Upstream } from '../domain/upstream.ts';
import type { Asked, RecordedRequest, RecordedTarget, RequestKey } from '../domain/replay.ts';
import type { Target, TargetFacts } from '../domain/target.ts';
import { standsAlways } from '../identity/standing.ts';
import { Gate, type GateContext } from '../sessions/gate.ts';
import type { Recording } from './recording.ts';

/** The only principal of a replay, for everybody who has its token. */
const principal: Principal = { id: 'replay', kind: 'agent', groups: [], targets: [] };
const identity: Identity = { principal, tokenId: 'replay', standing: standsAlways(principal) };
/** Every request is allowed. A request that was refused when it was recorded gets its recorded refusal. The obligations are added. */
const decision: Decision = { verdict: 'allow', policies: [], policyVersion: '', reason: 'answered from a recording', obligations: [] };

const reasons = {
  unknown: 'it was not recorded',
  'used up': 'it was not recorded as often',
  'other ids': 'it was recorded with ids that stand for others in this run',
} as const;

export interface ReplayChannelParts {
  readonly recording: Recording;
  readonly target: TargetFacts;
  readonly protocol: Protocol;
  /** They change the texts of requests as they were changed before the recording. They hold and deny nothing. */
  readonly controls: GateContext['controls'];
  readonly signal: AbortSignal;
  readonly onMiss: (missed: Missed) => void;
}

/** A request that the recording does not answer. */
export interface Missed extends Asked {
  readonly reason: string;
  /** The key of the request if it was not recorded. Null: it was recorded, but its answer cannot be given. */
  readonly unknown: RequestKey | null;
}

/** A channel whose target is a recording. Nothing new is recorded. */
export class ReplayChannel implements Channel, RecordedTarget {
  readonly number = 1;
  readonly limits = defaultLimits;
  /** All clients of a replay are treated alike, so the name is empty. */
  readonly principal = '';
  readonly target: Target;
  readonly signal: AbortSignal;
  readonly #parts: ReplayChannelParts;
  readonly #gate: Gate;
  /** The recorded connection in which the last request was found. Further requests are looked for there first. */
  #recordedChannel: number | null = null;
  #asked: Asked = { action: '', bytes: Buffer.alloc(0) };
  #seq = 0;

  constructor(parts: ReplayChannelParts) {
    this.#parts = parts;
    this.target = { ...parts.target, user: '', durability: 'process' };
    this.signal = parts.signal;
    const { recording, controls } = parts;
    const policy: ReturnType<GateContext['policy']> = {
      version: '',
      text: '',
      decide: ({ action }) => ({ ...decision, obligations: recording.obligations(this.target.name, action.name) }),
    };
    this.#gate = new Gate({ policy: () => policy, controls, identity, target: () => this.target, session: this.session, address: '' });
  }

  get session(): string {
    return this.#parts.recording.session;
  }

  get activity(): string {
    return this.session;
  }

  async connect(): Promise<Upstream> {
    const { protocol } = this.#parts;
    if (protocol.transport !== 'stream') {
      throw new GatewayError('unsupported', 'This protocol has no connections of its own.');
    }
    return Promise.resolve(protocol.replay.connect(this, this.#asked));
  }

  call(_options: CallOptions, receiver: CallReceiver): UpstreamCall {
    const { protocol } = this.#parts;
    if (protocol.transport !== 'exchange') {
      throw new GatewayError('unsupported', 'This protocol is not carried by HTTP.');
    }
    return protocol.replay.call(this, receiver, this.#asked.action);
  }

  request(action: Action, bytes: readonly Uint8Array[]): RequestOutcome {
    this.#asked = { action: action.name, bytes: Buffer.concat(bytes) };
    const seq = this.record();
    return { ...this.#gate.grant(this.#gate.decide(action), bytes), seq, record: `replay/${seq}` };
  }

  answered(): void {
    // Nothing is looked at.
  }

  isObliged({ name }: Action): boolean {
    return this.#parts.recording.obligations(this.target.name, name).length > 0;
  }

  requestChange(action: Action, bytes: readonly Uint8Array[]): RequestChange | null {
    return this.#gate.requestChange(action, bytes);
  }

  decide(action: Action): Decision {
    return this.#gate.decide(action);
  }

  record(): number {
    this.#seq += 1;
    return this.#seq;
  }

  claim(): void {
    // A recording says already what its client claimed.
  }

  give(): void {
    // Everybody who replays may see the whole recording.
  }

  whenCommitted(release: () => void): void {
    queueMicrotask(release);
  }

  onSignal(): void {
    // Nothing to do: a request that could be cancelled was already answered.
  }

  onEnding(): void {
    // Nothing is running at a target.
  }

  onSessionEnd(): void {
    // Nothing was started for the channel.
  }

  async close(): Promise<void> {
    return Promise.resolve();
  }

  take(key: RequestKey, asked: Asked): RecordedRequest {
    const { recording, target, protocol } = this.#parts;
    // Over HTTP it does not matter which of a client's connections a request comes on.
    const found = recording.take(target.name, key, protocol.transport === 'stream' ? this.#recordedChannel : null);
    if (typeof found === 'string') {
      throw this.#miss({ ...asked, reason: reasons[found], unknown: found === 'unknown' ? key : null });
    }
    this.#recordedChannel = found.channel;
    return found;
  }

  isWaiting(key: RequestKey): boolean {
    const { recording, target } = this.#parts;
    return this.#recordedChannel !== null && recording.isWaiting(target.name, key, this.#recordedChannel);
  }

  miss(reason: string, asked: Asked): GatewayError {
    return this.#miss({ ...asked, reason, unknown: null });
  }

  #miss(missed: Missed): GatewayError {
    this.#parts.onMiss(missed);
    return new GatewayError('not_recorded', `The recording has no answer to this request: ${missed.reason}.`);
  }
}
