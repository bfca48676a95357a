import { isDeepStrictEqual } from 'node:util';
import type { TakenUp } from '../api/parts.ts';
import { ClassSets } from '../classes/class-sets.ts';
import { ClassSources } from '../classes/class-sources.ts';
import type { Config } from '../config/config.ts';
import { readConfig } from '../config/parse.ts';
import { Limits, steadyClock } from '../controls/limits/limits.ts';
import { makeEnvironment, type Environment, type Software } from '../domain/environment.ts';
import { GatewayError } from '../domain/errors.ts';
import { StepThread } from '../exchange/step-thread.ts';
import type { LimitPolicies } from '../feed/recorded-usage.ts';
import { configuredPolicy, configuredPolicyFromThread } from '../policies/configured-policy.ts';
import { policyChanges } from '../policy/policy-changes.ts';
import type { PolicyEngine } from '../policy/policy.ts';
import { protocols } from '../protocols/registry.ts';
import type { Reader } from '../reader/reader.ts';
import type { Recorder } from '../recording/recorder.ts';
import { recordEnvironment, recordPolicy, recordPolicyChanges, recordRefusedPolicy } from '../sessions/policy-record.ts';
import type { Logger } from '../telemetry.ts';
import { strangeQueries } from './config-explanation.ts';
import { fillLimits } from './read-at-start.ts';

/** Makes the policy of a configuration. */
export type PolicyOf = (config: Config) => PolicyEngine;

export interface InForceParts {
  readonly software: Software;
  /** Null: the policy of a configuration is that of its grants and files. */
  readonly policyOf: PolicyOf | null;
  readonly log: Logger;
  /** Aborts with GatewayError `stopping` when the gateway stops. */
  readonly signal: AbortSignal;
  /** Has everything that is open checked again. `newLimits` are the names of the limits that are new. Returns the number of approvals that this withdrew. */
  readonly onChange: (newLimits: ReadonlySet<string>) => number;
}

/** The configuration and the policies that are in force, what is made from them, and how changed files come into force. */
export class InForce implements AsyncDisposable {
  readonly limits: Limits;
  readonly #parts: InForceParts;
  readonly #now = steadyClock();
  #config: Config;
  /** The settings that need a restart, as they were at the start. */
  readonly #atStart: Config['atStart'];
  #policy: PolicyEngine;
  /** Why the files as they are now were not put into force. Null: they were. */
  #refused: string | null = null;
  /** When the configuration came into force, in milliseconds since 1970, UTC. */
  #sinceMs = Date.now();
  #environment: Environment;
  /** The version of the policies that were recorded last. */
  #recordedVersion = '';
  #classSources: ClassSources;
  #classSets: ClassSets;
  #recorder: Recorder | null = null;
  #reader: Reader | null = null;
  /** Reads changed policies in a thread of its own, which ends soon after. */
  readonly #thread = new StepThread();
  /** The takings-up that wait for the one before them, by whether they are meant whoever they leave. */
  readonly #waiting = new Map<boolean, Promise<TakenUp>>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(config: Config, parts: InForceParts) {
    this.#parts = parts;
    this.#config = config;
    this.#atStart = config.atStart;
    this.#policy = (parts.policyOf ?? configuredPolicy)(config);
    this.#classSources = new ClassSources(config.classes.values());
    this.#classSets = new ClassSets(config.classes.values());
    this.#environment = this.#makeEnvironment();
    this.limits = new Limits(this.#now);
  }

  get config(): Config {
    return this.#config;
  }

  get policy(): PolicyEngine {
    return this.#policy;
  }

  get refused(): string | null {
    return this.#refused;
  }

  get sinceMs(): number {
    return this.#sinceMs;
  }

  /** The sections of the file that were changed since the start and need a restart. */
  get waiting(): readonly string[] {
    return [...this.#config.atStart].filter(([section, text]) => this.#atStart.get(section) !== text).map(([section]) => section);
  }

  get environment(): Environment {
    return this.#environment;
  }

  get classSources(): ClassSources {
    return this.#classSources;
  }

  get classSets(): ClassSets {
    return this.#classSets;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#thread[Symbol.asyncDispose]();
  }

  /** Records the policies in force and the environment. Changes are recorded from now on. */
  record(recorder: Recorder): void {
    this.#recorder = recorder;
    this.#recordPolicy(recorder);
    recordEnvironment(recorder, this.#environment);
  }

  /** Takes up the limits of the policies in force. Resolves when their windows are filled from the journal; until then requests under them are refused. */
  async fillLimits(reader: Reader): Promise<void> {
    this.#reader = reader;
    await this.#enforceLimits(false).filled;
  }

  /**
   * Puts the changed configuration into force, after those that are being put into force, so that the files as they are last count. Rejects with GatewayError
   * `config_invalid`; `conflict` if none of the present principals would be left, unless `isMeant`; `stopping`.
   */
  async takeUp(isMeant: boolean): Promise<TakenUp> {
    // Whoever asks before the files are read is answered together with those who wait for that.
    const waiting = this.#waiting.get(isMeant);
    if (waiting !== undefined) {
      return waiting;
    }
    const next = this.#last.then(async () => {
      this.#waiting.delete(isMeant);
      const { signal, policyOf } = this.#parts;
      signal.throwIfAborted();
      const config = readConfig(this.#config.file, protocols, process.env);
      const policy = policyOf?.(config) ?? (await configuredPolicyFromThread(config, this.#thread, signal));
      return this.#putIntoForce(config, policy, isMeant);
    });
    this.#waiting.set(isMeant, next);
    this.#last = next.catch(() => undefined);
    return next;
  }

  /**
   * Puts a changed file into force. It takes effect at each session's next action, and at once ends what a principal no longer has access to. A file that does
   * not validate changes nothing.
   */
  async reload(): Promise<void> {
    try {
      await this.takeUp(false);
    } catch (error) {
      if (!(error instanceof GatewayError)) {
        throw error;
      }
      if (error.code === 'stopping') {
        return;
      }
      this.#refused = error.message;
      this.#parts.log.error(`the changed configuration is not applied:\n${error.message}`);
      this.#recordRefused(error);
    }
  }

  /** Warns of queries of the configuration that name what there is not, and of policies in force that `policy check` would refuse or remark on. */
  warnOfFindings(): void {
    this.#warnOfQueries();
    for (const finding of this.#policy.findings?.() ?? []) {
      this.#parts.log.warn(`countersign policy check finds: ${finding}`);
    }
  }

  #warnOfQueries(): void {
    for (const finding of strangeQueries(this.#config)) {
      this.#parts.log.warn(finding);
    }
  }

  /** Everything changes in one turn of the event loop: no request is decided by a part of the new configuration. */
  #putIntoForce(config: Config, policy: PolicyEngine, isMeant: boolean): TakenUp {
    const before = [...this.#config.principals.keys()];
    if (!isMeant && before.length > 0 && !before.some((id) => config.principals.has(id))) {
      throw new GatewayError(
        'conflict',
        `${config.file} leaves none of the principals that there are (${before.length}). If that is meant: countersign config apply --force.`,
      );
    }
    // Limits have not counted so far what was done at a target that is observed no more.
    const countsMore = [...this.#config.targets.values()].some(({ name, mode }) => mode === 'observe' && config.targets.get(name)?.mode !== 'observe');
    this.#config = { ...config, data: this.#config.data };
    this.#classSources = new ClassSources(config.classes.values());
    this.#classSets = new ClassSets(config.classes.values());
    const changes = policyChanges(this.#policy, policy);
    this.#policy = policy;
    this.#refused = null;
    this.#sinceMs = Date.now();
    if (this.#recorder !== null) {
      this.#recordChanges(this.#recorder, changes);
    }
    const withdrawn = this.#parts.onChange(this.#enforceLimits(countsMore).names);
    const told = {
      policyVersion: this.#policy.version,
      ...(changes === null ? {} : { changes }),
      ...(withdrawn === 0 ? {} : { withdrawnApprovals: withdrawn }),
    };
    this.#parts.log.info(told, 'configuration applied');
    if (changes === null) {
      this.#warnOfQueries();
    } else {
      this.warnOfFindings();
    }
    const { waiting } = this;
    if (waiting.length > 0) {
      this.#parts.log.warn(
        { sections: waiting },
        `the changes under ${waiting.join(', ')} need a restart: until then the settings of the last start are in force`,
      );
    }
    return { file: config.file, waiting, changes, withdrawn };
  }

  /**
   * Takes up the limits of the policies in force, and returns the names of those that are new. `filled` resolves when their windows are filled from the journal;
   * until then requests under them are refused.
   */
  #enforceLimits(countsMore: boolean): { readonly names: ReadonlySet<string>; readonly filled: Promise<void> } {
    const unfilled = this.limits.enforce(this.#policy.obligations ?? [], countsMore);
    const names = new Set(unfilled.limits.map(({ name }) => name));
    if (this.#recorder === null || this.#reader === null || names.size === 0) {
      return { names, filled: Promise.resolve() };
    }
    const { signal } = this.#parts;
    const filled = fillLimits(this.#reader, unfilled, {
      before: this.#recorder.size,
      nowMs: this.#now(),
      policies: this.#limitPolicies(),
      signal,
      onTrouble: this.#trouble('read how much of limits was used'),
    });
    return { names, filled };
  }

  #limitPolicies(): LimitPolicies | null {
    const { version, sources, limitsReadHistory: readsHistory = false } = this.#policy;
    const { targets, principals } = this.#config;
    const told = Array.from(targets.values(), ({ user: _user, password: _password, command: _command, durability: _durability, ...facts }) => facts);
    return sources === undefined ? null : { version, sources, targets: told, principals: [...principals.values()], readsHistory };
  }

  /** Records the policies in force whole, so that each decision can be explained by the version that it names. */
  #recordPolicy(recorder: Recorder): void {
    if (this.#policy.version !== this.#recordedVersion) {
      recordPolicy(recorder, this.#policy);
      this.#recordedVersion = this.#policy.version;
    }
  }

  /** Records the policies, how they differ from those before, and the environment if it is another one. Sessions state it with their next record. */
  #recordChanges(recorder: Recorder, changes: TakenUp['changes']): void {
    this.#recordPolicy(recorder);
    if (changes !== null) {
      recordPolicyChanges(recorder, changes);
    }
    const environment = this.#makeEnvironment();
    if (!isDeepStrictEqual(environment, this.#environment)) {
      this.#environment = environment;
      recordEnvironment(recorder, environment);
    }
  }

  /** Records that a changed configuration was refused. The gateway goes on with the one before even if this cannot be recorded: nothing moves without records. */
  #recordRefused(error: GatewayError): void {
    try {
      if (this.#recorder !== null) {
        recordRefusedPolicy(this.#recorder, this.#policy, error);
      }
    } catch (failure) {
      this.#trouble('record that a changed configuration was refused')(failure);
    }
  }

  #trouble(what: string): (error: unknown) => void {
    return (error) => {
      this.#parts.log.error({ err: error }, `could not ${what}`);
    };
  }

  #makeEnvironment(): Environment {
    return makeEnvironment(this.#parts.software, { configuration: this.#config.sha256, policyVersion: this.#policy.version });
  }
}
