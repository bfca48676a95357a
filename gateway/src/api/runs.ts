import { randomBytes } from 'node:crypto';
import { environmentOf } from '../domain/environment.ts';
import { GatewayError } from '../domain/errors.ts';
import type { Principal } from '../domain/principal.ts';
import type { ConnectionInstructions } from '../domain/protocol.ts';
import { targetFacts, type Target } from '../domain/target.ts';
import type { Authenticator } from '../identity/authenticate.ts';
import type { Recorder } from '../recording/recorder.ts';
import type { LiveSession } from '../sessions/live-session.ts';
import type { LiveSessions } from '../sessions/live-sessions.ts';
import { RunOutput } from '../sessions/run-output.ts';
import type { Caller, CommandOutput, OpenedRun, RunRequest } from './context.ts';

const ending = { reason: 'client', error: new GatewayError('stopping', 'The run has ended.') };

export interface RunsParts {
  readonly recorder: Recorder;
  readonly sessions: LiveSessions;
  readonly authenticator: Authenticator;
  readonly targets: () => ReadonlyMap<string, Target>;
  readonly principals: () => ReadonlyMap<string, Principal>;
}

export interface RunsHooks {
  readonly connect: (target: string, token: string) => ConnectionInstructions;
  /** Records that a caller was refused, and throws the error. */
  readonly refuse: (address: string, error: GatewayError) => Promise<never>;
}

interface ParentRun {
  readonly run: LiveSession;
  /** A run inside it reaches no target that it does not. */
  readonly reaches: (target: string) => boolean;
}

/** Sessions of commands: `countersign run`. */
export class Runs {
  readonly #parts: RunsParts;
  readonly #hooks: RunsHooks;
  readonly #outputs = new WeakMap<LiveSession, RunOutput>();

  constructor(parts: RunsParts, hooks: RunsHooks) {
    this.#parts = parts;
    this.#hooks = hooks;
  }

  async open(request: RunRequest, by: Caller): Promise<OpenedRun> {
    const { sessions, authenticator, targets } = this.#parts;
    const principal = await this.#runPrincipal(request, by);
    const parent = await this.#parentRun(request, by);
    const reached = principal.targets.filter((name) => targets().has(name) && parent?.reaches(name) !== false);
    const wanted = request.targets.length > 0 ? request.targets : reached;
    const missing = wanted.find((name) => !reached.includes(name));
    if (missing !== undefined) {
      const whose = parent === undefined ? '' : ', or the run that this one would be inside of was not given it';
      throw new GatewayError('refused', `${principal.id} was not granted a target "${missing}"${whose}.`);
    }
    const given = targetFacts(wanted.flatMap((name) => targets().get(name) ?? []));
    const session = sessions.open('run', parent === undefined ? {} : { parent: parent.run });
    try {
      const { onBehalfOf } = by.run ?? {};
      const { token, stored, standing } = await authenticator.create(principal.id, {
        session: session.id,
        targets: wanted,
        ...(onBehalfOf === undefined ? {} : { onBehalfOf }),
      });
      const traceparent = `00-${session.id}-${randomBytes(8).toString('hex')}-01`;
      const facts = { principal, tokenId: stored.id, address: by.address, by: by.id, command: request.command, targets: given, traceparent };
      session.describe(facts);
      session.endWith(standing);
      if (by.standing !== null) {
        session.endWith(by.standing);
      }
      if (request.recordOutput) {
        this.#outputs.set(session, new RunOutput(this.#parts.recorder, session, facts));
      }
      for (let run: LiveSession | null = session; run !== null; run = run.parent) {
        this.#outputs.get(run)?.mask(token);
      }
      const connections = wanted.map((name) => ({ name, ...this.#hooks.connect(name, token) }));
      const environment = { ...environmentOf(connections), COUNTERSIGN_SESSION: session.id, TRACEPARENT: traceparent };
      return { session: session.id, token, traceparent, environment };
    } catch (error) {
      session.end(ending);
      throw error;
    }
  }

  async recordOutput(id: string, { stream, bytes }: CommandOutput, by: Caller): Promise<void> {
    const run = await this.#openedRun(id, by);
    const output = run === null ? undefined : this.#outputs.get(run);
    if (output === undefined) {
      throw new GatewayError('conflict', 'The run has ended, or was not opened to record its output.');
    }
    await output.record(stream, bytes);
  }

  /** Whether it was open until now: an operator, or the end of its credential, may have ended it before. */
  async end(id: string, exitCode: number | undefined, by: Caller): Promise<boolean> {
    const run = await this.#openedRun(id, by);
    if (run !== null) {
      if (exitCode !== undefined) {
        run.note('process.exit', { 'process.exit.code': exitCode });
      }
      run.end(ending);
    }
    return run !== null;
  }

  async #runPrincipal(request: RunRequest, by: Caller): Promise<Principal> {
    const id = request.principal ?? by.run?.principal.id;
    if (id === undefined) {
      throw new GatewayError('malformed', 'principal: say who the run is for.');
    }
    if (by.run !== undefined && id !== by.run.principal.id) {
      return this.#hooks.refuse(
        by.address,
        new GatewayError('refused', `A run of ${by.run.principal.id} opens no runs for ${id}: that takes an administrator.`),
      );
    }
    const principal = this.#parts.principals().get(id);
    if (principal === undefined) {
      throw new GatewayError('unknown_principal', `There is no principal "${id}": add it with countersign principal add.`);
    }
    return principal;
  }

  /** The run that a new one is inside of: the caller's own, or the one whose token is shown (ATTACKS B19). */
  async #parentRun({ parent }: RunRequest, by: Caller): Promise<ParentRun | undefined> {
    const { authenticator, sessions } = this.#parts;
    if (by.run === undefined && parent === undefined) {
      return undefined;
    }
    const outcome = by.run === undefined ? await authenticator.authenticate(parent ?? '') : { identity: by.run };
    const identity = 'refused' in outcome ? null : outcome.identity;
    const run = identity?.session === undefined ? null : sessions.find(identity.session);
    if (identity === null || run?.isRun !== true) {
      return this.#hooks.refuse(
        by.address,
        new GatewayError('unauthenticated', 'The run that this one would be inside of has ended, or this is not its token.'),
      );
    }
    const { standing, targets } = identity;
    return { run, reaches: (name) => standing.principal.targets.includes(name) && targets?.includes(name) !== false };
  }

  /** A run that goes on, for whoever may have opened it: an administrator, or the run that it is inside of. */
  async #openedRun(id: string, by: Caller): Promise<LiveSession | null> {
    const session = this.#parts.sessions.find(id);
    if (session?.isRun !== true) {
      return null;
    }
    if (by.run !== undefined && session.parent?.id !== by.run.session) {
      return this.#hooks.refuse(by.address, new GatewayError('refused', 'A run may act on runs that it opened itself, and on no other.'));
    }
    return session;
  }
}
