import type { Action } from '../../../domain/action.ts';
import type { Decision } from '../../../domain/decision.ts';
import { GatewayError } from '../../../domain/errors.ts';
import { Grant } from '../../../domain/grant.ts';
import { defaultLimits, type Limits } from '../../../domain/limits.ts';
import type { Channel, RequestChange, RequestOutcome } from '../../../domain/channel.ts';
import type { Credential, Door } from '../../../domain/door.ts';
import type { Upstream } from '../../../domain/upstream.ts';
import type { OpenedRecord, RecordMeta } from '../../../domain/record.ts';
import type { UpstreamCall } from '../../../domain/call.ts';
import type { Target } from '../../../domain/target.ts';
import { UpstreamConnection } from '../../../wire/upstream-connection.ts';

export const goodToken = 'cs_good';

/** A door that admits `goodToken`. Its channels record into arrays, so that this protocol can be tested without the rest of the gateway. */
export class OpenDoor implements Door {
  readonly limits: Limits;
  readonly channels: ArrayChannel[] = [];
  readonly credentials: Credential[] = [];
  readonly turnedAwayBy: string[] = [];
  /** Denies requests whose bytes contain this text. */
  forbidden = 'forbidden';
  /** The change of the texts of all requests; null if there is none. */
  wantedChange: RequestChange | null = null;
  readonly signals = new Map<string, () => Promise<void>>();
  readonly #target: Target;

  constructor(target: Partial<Target> = {}, limits: Partial<Limits> = {}) {
    this.limits = { ...defaultLimits, ...limits };
    this.#target = {
      name: 'orders',
      scheme: 'postgres',
      protocol: 'postgres',
      host: '127.0.0.1',
      port: 1,
      path: '',
      user: 'app',
      durability: 'process',
      options: {},
      ...target,
    };
  }

  knows(): boolean {
    return false;
  }

  authenticate(credential: Credential): Promise<Channel> {
    this.credentials.push(credential);
    if (credential.token !== goodToken) {
      return Promise.reject(new GatewayError('unauthenticated', 'The token is not accepted: unknown.'));
    }
    if (credential.target !== this.#target.name) {
      return Promise.reject(new GatewayError('unknown_target', `There is no target "${credential.target}" here.`));
    }
    const channel = new ArrayChannel(this.#target, this.limits, this.signals);
    channel.forbidden = this.forbidden;
    channel.wantedChange = this.wantedChange;
    this.channels.push(channel);
    return Promise.resolve(channel);
  }

  async turnedAway({ code }: GatewayError): Promise<void> {
    this.turnedAwayBy.push(code);
    await Promise.resolve();
  }

  async signal(key: Uint8Array): Promise<boolean> {
    const handler = this.signals.get(Buffer.from(key).toString('hex'));
    await handler?.();
    return handler !== undefined;
  }
}

export class ArrayChannel implements Channel {
  readonly session = '5e55'.repeat(8);
  readonly activity = this.session;
  readonly principal = 'somebody';
  readonly number = 1;
  readonly target: Target;
  readonly limits: Limits;
  readonly controller = new AbortController();
  readonly signal = this.controller.signal;
  readonly records: OpenedRecord[] = [];
  readonly closes: string[] = [];
  /** Denies requests whose bytes contain this text. */
  forbidden = 'forbidden';
  /** The change of the texts of all requests; null if there is none. */
  wantedChange: RequestChange | null = null;
  /** False: only facts are kept, for tests with large answers. */
  keepsContent = true;
  #ending: Promise<void> | null = null;
  readonly #signals: Map<string, () => Promise<void>>;

  constructor(target: Target, limits: Limits, signals: Map<string, () => Promise<void>> = new Map()) {
    this.target = target;
    this.limits = limits;
    this.#signals = signals;
  }

  call(): UpstreamCall {
    throw new GatewayError('unsupported', 'Not over HTTP.');
  }

  connect(signal: AbortSignal = this.signal): Promise<Upstream> {
    return UpstreamConnection.dial(this.target, { dialMs: this.limits.dialMs, signal });
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

  decide({ text }: Action): Decision {
    return this.#decide(text?.().pieces.some((piece) => piece.text.includes(this.forbidden)) === true);
  }

  request(action: Action, bytes: readonly Uint8Array[], relation?: { readonly byGateway?: boolean }): RequestOutcome {
    const decision = this.#decide(relation?.byGateway !== true && Buffer.concat(bytes).includes(this.forbidden));
    const { verdict } = decision;
    const seq = this.record('request', { action: action.name, attributes: action.attributes, verdict }, bytes);
    const record = `array/${seq}`;
    return verdict === 'allow' ? { decision, grant: new Grant(bytes), seq, record } : { decision, grant: null, seq, record };
  }

  #decide(isForbidden: boolean): Decision {
    return { verdict: isForbidden ? 'deny' : 'allow', policies: [], policyVersion: '1', reason: 'It is forbidden.', obligations: [] };
  }

  record(kind: string, meta: Omit<RecordMeta, 'channel'>, content: readonly Uint8Array[], continues = false): number {
    const seq = this.records.length;
    this.records.push({
      session: this.session,
      seq,
      timeMs: 0,
      kind,
      record: `0/${seq}`,
      meta: { channel: 1, ...meta },
      channelFacts: null,
      governance: null,
      content: this.keepsContent ? Buffer.concat(content) : null,
      continues,
      withheld: null,
    });
    return seq;
  }

  claim(): void {
    // These tests look at no claims.
  }

  give(): void {
    // These tests give no ids.
  }

  whenCommitted(release: () => void): void {
    setImmediate(release);
  }

  onSignal(key: Uint8Array, handler: () => Promise<void>): void {
    this.#signals.set(Buffer.from(key).toString('hex'), handler);
  }

  onSessionEnd(): void {
    // Nothing is kept for a session in these tests.
  }

  onEnding(stop: (limit: AbortSignal) => Promise<void>): void {
    const end = (): void => {
      this.#ending = stop(new AbortController().signal);
    };
    this.signal.addEventListener('abort', end, { once: true });
  }

  async close(reason: string): Promise<void> {
    await this.#ending;
    this.closes.push(reason);
  }
}
