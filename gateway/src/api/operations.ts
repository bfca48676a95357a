import { statfs } from 'node:fs/promises';
import type { Attributes } from '../domain/action.ts';
import { tokenIn } from '../domain/authorization.ts';
import { GatewayError } from '../domain/errors.ts';
import type { Principal } from '../domain/principal.ts';
import type { ConnectionInstructions } from '../domain/protocol.ts';
import type { MessageRange, SessionPage } from '../domain/shown-record.ts';
import type { Target } from '../domain/target.ts';
import { readLogFile } from '../feed/evidence.ts';
import { sayBehind } from '../feed/index-state.ts';
import type { FindProtocol } from '../feed/timeline.ts';
import type { Authenticator, NewToken } from '../identity/authenticate.ts';
import type { ShownSecret } from '../identity/shown-secret.ts';
import type { Reader } from '../reader/reader.ts';
import type { IndexRebuilt } from '../reader/questions.ts';
import type { KeyStore } from '../recording/key-store.ts';
import type { Recorder } from '../recording/recorder.ts';
import { admit } from '../sessions/admit.ts';
import type { CurrentPolicy } from '../sessions/gate.ts';
import type { LiveSessions } from '../sessions/live-sessions.ts';
import { recordOwnDecision } from '../sessions/own-decision.ts';
import type { Refusals } from '../sessions/refusals.ts';
import type { StoredToken, TokenAct, Tokens } from '../store/tokens.ts';
import {
  checkCaller,
  type ApiContext,
  type AppliedConfig,
  type Caller,
  type Callers,
  type CommandOutput,
  type HaltedSession,
  type OpenedRun,
  type ReachedTarget,
  type RunRequest,
} from './context.ts';
import type { Measures } from './metrics.ts';
import { openOperatorToken } from './operator-token.ts';
import { Runs } from './runs.ts';
import { recordTokenAct } from './token-acts.ts';
import { summarizeTarget, type TargetSummary } from './target-summary.ts';

const tokenCharactersMax = 256;
/** A heartbeat twice a minute makes each checkpoint different from the one before. */
const checkpointAgeSecondsMax = 90;
/** Who holds the credential in the data directory. */
const operator = 'operator';

/** What came of taking the configuration file up. */
export interface TakenUp {
  readonly file: string;
  /** Sections that were changed and take a restart. */
  readonly waiting: readonly string[];
}

export interface OperationsParts {
  readonly data: string;
  readonly recorder: Recorder;
  readonly keys: KeyStore;
  readonly sessions: LiveSessions;
  readonly reader: Reader;
  readonly tokens: Tokens;
  readonly authenticator: Authenticator;
  readonly refusals: Refusals;
  readonly findProtocol: FindProtocol;
  readonly targets: () => ReadonlyMap<string, Target>;
  readonly policy: CurrentPolicy;
  readonly principals: () => ReadonlyMap<string, Principal>;
  /** Errors: `config_invalid`; `conflict` when it leaves nobody and that is not meant. */
  readonly takeUpConfig: (isMeant: boolean) => TakenUp;
  readonly addresses: () => Readonly<Record<string, string>>;
  /** The listeners have a certificate. */
  readonly isEncrypted: boolean;
  readonly software: string;
  readonly isStopping: () => boolean;
}

function secondsSince(ms: number): number {
  return (performance.now() - ms) / 1000;
}

/** The operations of the API over the parts of the gateway. */
export class GatewayApi implements ApiContext {
  readonly #parts: OperationsParts;
  readonly #operator: ShownSecret;
  readonly #runs: Runs;

  constructor(parts: OperationsParts) {
    this.#parts = parts;
    this.#runs = new Runs(parts, { connect: (target, token) => this.#connect(target, token), refuse: async (address, error) => this.#refuse(address, error) });
    this.#operator = openOperatorToken(parts.data);
  }

  async authenticate(authorization: string | undefined, address: string, callers: Callers): Promise<Caller> {
    const token = tokenIn(authorization ?? '').slice(0, tokenCharactersMax);
    if (this.#operator.matches(token)) {
      return { id: operator, address, standing: null };
    }
    const outcome = await this.#parts.authenticator.authenticate(token);
    if ('refused' in outcome) {
      const error = new GatewayError('unauthenticated', `${outcome.refused}. Give an administrator's in COUNTERSIGN_TOKEN.`);
      return this.#parts.refusals.refuse({ address, protocol: 'api', error, isQuestion: token === '' });
    }
    const { principal, session, standing } = outcome.identity;
    if (callers === 'everybody') {
      return { id: principal.id, address, standing, identity: outcome.identity };
    }
    if (session !== undefined && callers === 'runs') {
      return { id: principal.id, address, standing, run: { ...outcome.identity, session } };
    }
    if (session !== undefined) {
      return this.#refuse(address, new GatewayError('refused', 'The token of a run does not speak for an administrator.'));
    }
    const caller = { id: principal.id, address, standing };
    try {
      checkCaller(caller, callers);
    } catch (error) {
      return this.#refuse(address, error);
    }
    return caller;
  }

  listTargets(): readonly TargetSummary[] {
    return [...this.#parts.targets().values()].map(summarizeTarget);
  }

  listPrincipals(): readonly Principal[] {
    return [...this.#parts.principals().values()];
  }

  async applyConfig(isMeant: boolean, by: Caller): Promise<AppliedConfig> {
    const { file, waiting } = this.#parts.takeUpConfig(isMeant);
    await this.#recordAct('gateway.apply_config', `the configuration, ${isMeant ? 'whoever it leaves' : 'as it is'}`, by, {});
    return { file, principals: this.#parts.principals().size, targets: this.#parts.targets().size, waiting };
  }

  async createToken(principal: string, ttlMs: number | undefined, by: Caller): Promise<NewToken> {
    const { authenticator, recorder, tokens } = this.#parts;
    const made = await authenticator.create(principal, { unrecordedBy: by.id, ...(ttlMs === undefined ? {} : { ttlMs }) });
    const act: TokenAct = { act: 'create', token: made.stored.id, principal, timeMs: made.stored.createdMs, by: by.id };
    await recordTokenAct(recorder, tokens, act, by.address);
    return made;
  }

  async listTokens(): Promise<readonly StoredToken[]> {
    return this.#parts.tokens.list();
  }

  async revokeToken(name: string, by: Caller): Promise<string | null> {
    const { authenticator, recorder, tokens } = this.#parts;
    const revoked = await authenticator.revoke(name, by.id);
    if (revoked === null) {
      return null;
    }
    await this.#noteRevocations();
    await recordTokenAct(recorder, tokens, { act: 'revoke', token: revoked.id, principal: revoked.principal, timeMs: Date.now(), by: by.id }, by.address);
    return revoked.id;
  }

  /** So that the next start knows an older `identity.db`; it notes this itself where this cannot be written. */
  async #noteRevocations(): Promise<void> {
    const { keys, tokens } = this.#parts;
    try {
      keys.noteRevocations(await tokens.revocations());
    } catch (error) {
      if (!(error instanceof GatewayError)) {
        throw error;
      }
    }
  }

  listSessions(page: SessionPage): AsyncIterable<Uint8Array> {
    return this.#parts.reader.list(page);
  }

  async *showSession(id: string, by: Caller, live: AbortSignal | null): AsyncIterable<Uint8Array> {
    const { reader } = this.#parts;
    const found = await reader.find(id);
    await this.#recordAccess(live === null ? 'show' : 'watch', id, by);
    yield* live === null ? reader.show(found) : reader.watch(found, live);
  }

  async *readBytes(id: string, range: MessageRange, by: Caller): AsyncIterable<Uint8Array> {
    const { reader } = this.#parts;
    const found = await reader.find(id);
    await this.#recordAccess(`bytes ${range.from}-${range.to ?? ''} of record ${range.record}`, id, by);
    yield* reader.bytes(found, range);
  }

  async *exportSession(id: string, by: Caller): AsyncIterable<Uint8Array> {
    const { reader, recorder } = this.#parts;
    const found = await reader.find(id);
    await this.#recordAccess('export', id, by);
    yield* reader.bundle(found, await recorder.publish());
  }

  async rebuildIndex(by: Caller): Promise<IndexRebuilt> {
    await this.#recordAct('gateway.rebuild_index', 'the index of sessions is made again from the journal', by, {});
    return this.#parts.reader.rebuild();
  }

  async haltSession(id: string, by: Caller, reason: string): Promise<HaltedSession> {
    const session = this.#parts.sessions.find(id);
    if (session === null) {
      const known = await this.#parts.reader.find(id);
      throw new GatewayError('conflict', `Session ${known.session} is closed already.`);
    }
    const words = reason === '' ? 'The session was halted by an operator.' : `The session was halted by an operator: ${reason}`;
    session.end({ reason: 'halted', error: new GatewayError('halted', words), facts: { by: by.id, address: by.address, reason } });
    return { halted: session.id, token: session.lastingToken };
  }

  async receipt(log: string, index: number): Promise<string> {
    const { reader, recorder } = this.#parts;
    if (log !== recorder.gatewayId) {
      throw new GatewayError('not_found', `The log ${log} is not kept here; this one is ${recorder.gatewayId}.`);
    }
    return reader.receipt(index, await recorder.publish());
  }

  async logFile(path: string): Promise<Uint8Array | null> {
    return readLogFile(this.#parts.data, path);
  }

  unreadiness(): readonly string[] {
    const { recorder, isStopping } = this.#parts;
    const reasons = isStopping() ? ['The gateway is stopping.'] : [];
    try {
      recorder.assertReady();
    } catch (error) {
      if (!(error instanceof GatewayError)) {
        throw error;
      }
      reasons.push(error.message);
    }
    if (secondsSince(recorder.publishedMs) > checkpointAgeSecondsMax) {
      reasons.push('No checkpoint has been published for some time: what is recorded is not under a signature that readers outside can see.');
    }
    return reasons;
  }

  indexBehind(): string | null {
    const { reader, recorder } = this.#parts;
    return reader.state.isWhole ? null : sayBehind(reader.state, recorder.size);
  }

  async measure(): Promise<Measures> {
    const { data, software, recorder, reader, refusals } = this.#parts;
    const { bavail, blocks, bsize } = await statfs(data);
    return {
      software,
      epoch: recorder.epoch,
      sessionsOpen: recorder.sessionsOpen,
      sessionsOpened: recorder.sessionsOpened,
      records: recorder.size,
      journalBytes: recorder.journalBytes,
      commits: recorder.commits,
      indexBehind: Math.max(0, recorder.size - reader.state.size),
      refusals: refusals.counts,
      disk: { freeBytes: bavail * bsize, totalBytes: blocks * bsize },
      checkpoint: { size: recorder.published.size, ageSeconds: secondsSince(recorder.publishedMs) },
      memoryBytes: process.memoryUsage.rss(),
      isReady: this.unreadiness().length === 0,
    };
  }

  async openRun(request: RunRequest, by: Caller): Promise<OpenedRun> {
    return this.#runs.open(request, by);
  }

  async recordOutput(id: string, output: CommandOutput, by: Caller): Promise<void> {
    await this.#runs.recordOutput(id, output, by);
  }

  async endRun(id: string, exitCode: number | undefined, by: Caller): Promise<boolean> {
    return this.#runs.end(id, exitCode, by);
  }

  async checkConnection(name: string, { identity, address }: Caller): Promise<ReachedTarget> {
    const { policy, targets, findProtocol } = this.#parts;
    if (identity === undefined) {
      throw new GatewayError('refused', "The operator's credential reaches no target: give a principal's token in COUNTERSIGN_TOKEN, or --as PRINCIPAL.");
    }
    try {
      const { target } = admit({ policy, findTarget: (wanted) => targets().get(wanted) }, { identity, address }, name, null);
      return { protocol: target.protocol, transport: findProtocol(target.protocol)?.transport ?? 'exchange' };
    } catch (error) {
      return this.#refuse(address, error);
    }
  }

  connection(target: string, localPort: number | null): ConnectionInstructions {
    return this.#connect(target, 'TOKEN', localPort);
  }

  #connect(name: string, token: string, localPort: number | null = null): ConnectionInstructions {
    const target = this.#parts.targets().get(name);
    const protocol = target === undefined ? undefined : this.#parts.findProtocol(target.protocol);
    const address = protocol === undefined ? undefined : this.#parts.addresses()[protocol.transport === 'exchange' ? 'http' : protocol.id];
    if (protocol === undefined || address === undefined) {
      throw new GatewayError('unknown_target', `The target "${name}" cannot be reached here: it is not configured, or its protocol is not listened for.`);
    }
    const at = address.lastIndexOf(':');
    const door = localPort === null ? { host: reachable(address.slice(0, at)), port: Number(address.slice(at + 1)) } : { host: '127.0.0.1', port: localPort };
    return protocol.connection({ ...door, target: name, options: target?.options ?? {}, token, tls: localPort === null && this.#parts.isEncrypted });
  }

  async #refuse(address: string, error: unknown): Promise<never> {
    if (!(error instanceof GatewayError)) {
      throw error;
    }
    return this.#parts.refusals.refuse({ address, protocol: 'api', error });
  }

  async #recordAct(action: string, reason: string, by: Caller, attributes: Attributes): Promise<void> {
    await recordOwnDecision(this.#parts.recorder, {
      action,
      verdict: 'allow',
      reason,
      attributes: { 'user.id': by.id, 'client.address': by.address, ...attributes },
    });
  }

  /** Who reads a recording is recorded, before the first of it is given out. */
  async #recordAccess(what: string, session: string, by: Caller): Promise<void> {
    const { recorder } = this.#parts;
    recorder.appendFromReserve(recorder.own, {
      kind: 'access',
      meta: JSON.stringify({ what, session }),
      content: [Buffer.from(JSON.stringify({ by: by.id, address: by.address }))],
      contentIsFacts: true,
    });
    await new Promise<void>((resolve) => {
      recorder.whenCommitted('disk', resolve);
    });
  }
}

/** An address to dial: who listens everywhere is reached on loopback. */
function reachable(host: string): string {
  return host === '0.0.0.0' ? '127.0.0.1' : host === '[::]' ? '[::1]' : host;
}
