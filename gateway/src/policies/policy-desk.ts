import { accessSync, closeSync, constants, fstatSync, lstatSync, openSync, readFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { TakenUp } from '../api/parts.ts';
import type { PolicyDesk, SavedFile, TriedSession } from '../api/policy-desk.ts';
import type { Config } from '../config/config.ts';
import { GatewayError } from '../domain/errors.ts';
import { policyFileBytesMax, type PolicyText } from '../domain/policy-source.ts';
import type { Target } from '../domain/target.ts';
import { StepThread } from '../exchange/step-thread.ts';
import type {
  ChangedVerdict,
  ExplainedDecision,
  FileChange,
  PolicyCheck,
  PolicyFile,
  PolicyWord,
  TestedCase,
  TrialProgress,
  WantedFile,
} from '../policy/candidate.ts';
import type { Decision } from '../domain/decision.ts';
import type { PolicyEngine } from '../policy/policy.ts';
import { printPlaced } from '../policy/policy-text.ts';
import { systemErrorWords } from '../store/system-error.ts';
import { writeWholeFile } from '../store/whole-file.ts';
import { step as casesStep } from './cases-step.ts';
import { step as checkStep } from './check-step.ts';
import { configuredPolicyFromThread, groundsOf } from './configured-policy.ts';
import { digestOf, step as filesStep } from './files-step.ts';
import type { CaseDirectory } from './policy-cases.ts';
import { vocabularyOf, type PolicyGrounds } from './policy-step.ts';
import { policyWords } from './policy-words.ts';
import { step as trialStep } from './trial-step.ts';

/** Most trials at a time. Each has a thread of its own. */
const trialsMax = 2;
/** The thread of a trial is given up if its records do not come for so long. */
const trialTimes = { stepMs: 60_000, idleMs: 600_000 };
const newFileMode = 0o640;

export interface DeskParts {
  readonly config: () => Config;
  readonly policy: () => PolicyEngine;
  /** Puts the files into force as they are. Rejects as `InForce.takeUp`. */
  readonly takeUp: () => Promise<TakenUp>;
}

/** Works on policies that are not, or not yet, in force. What is asked of it is done one after the other in a thread that ends soon after; a trial has a thread of its own. */
export class CandidateDesk implements PolicyDesk, AsyncDisposable {
  readonly #parts: DeskParts;
  readonly #thread = new StepThread();
  #trials = 0;
  #lastSave: Promise<unknown> = Promise.resolve();

  constructor(parts: DeskParts) {
    this.#parts = parts;
  }

  get place(): string | null {
    return this.#parts.config().policies;
  }

  get savingFault(): string | null {
    const { policies, savesPolicies } = this.#parts.config();
    if (!savesPolicies) {
      return 'The configuration says that policies are not saved here (savePolicies: false).';
    }
    if (policies === null) {
      return 'The configuration names no directory of policies (policies: ./policies).';
    }
    try {
      const found = lstatSync(policies);
      if (!found.isDirectory()) {
        return `${basename(policies)} is ${found.isSymbolicLink() ? 'a link' : 'one file'}: files are saved in a directory that policies: names itself.`;
      }
      accessSync(policies, constants.W_OK | constants.X_OK);
      return null;
    } catch (error) {
      return `The gateway cannot write to ${basename(policies)}: ${systemErrorWords(error) ?? 'it is not known why'}.`;
    }
  }

  async files(signal: AbortSignal): Promise<readonly PolicyFile[]> {
    const path = this.place;
    return path === null ? [] : this.#thread.take(filesStep, { path }, { whose: 'files', signal });
  }

  words(): readonly PolicyWord[] {
    return policyWords(vocabularyOf(this.#grounds([])));
  }

  async check(changed: readonly PolicyText[], signal: AbortSignal): Promise<PolicyCheck> {
    return this.#thread.take(checkStep, this.#grounds(changed), { whose: 'check', signal });
  }

  async test(changed: readonly PolicyText[], yaml: string, signal: AbortSignal): Promise<readonly TestedCase[]> {
    const input = { grounds: this.#grounds(changed), directory: directoryOf(this.#parts.config()), cases: { yaml } };
    const { outcomes, texts } = await this.#thread.take(casesStep, input, { whose: 'cases', signal });
    return outcomes.map(({ name, decision, unreached, difference }) => ({
      name,
      difference,
      decision: decision === null ? null : explained(decision, unreached, texts),
    }));
  }

  async explain(changed: readonly PolicyText[], asked: unknown, signal: AbortSignal): Promise<ExplainedDecision> {
    const input = { grounds: this.#grounds(changed), directory: directoryOf(this.#parts.config()), cases: { one: asked } };
    const { one, texts } = await this.#thread.take(casesStep, input, { whose: 'cases', signal });
    if (one === null) {
      throw new Error('the step has decided nothing');
    }
    return explained(one.decision, one.unreached, texts);
  }

  async *tryOut(
    changed: readonly PolicyText[],
    sessions: AsyncIterable<TriedSession>,
    { isPartial, signal }: { readonly isPartial: boolean; readonly signal: AbortSignal },
  ): AsyncGenerator<{ readonly groups: readonly ChangedVerdict[]; readonly progress: TrialProgress }> {
    if (this.#trials >= trialsMax) {
      throw new GatewayError('throttled', `Policies are being tried by ${trialsMax} people already. Try again when one of them has finished.`);
    }
    this.#trials += 1;
    try {
      await using thread = new StepThread(trialTimes);
      const asker = { whose: '', signal };
      const begun = await thread.take(trialStep, { grounds: this.#grounds(changed), directory: directoryOf(this.#parts.config()), isPartial }, asker);
      let told = begun;
      let tried = 0;
      for await (const { records } of sessions) {
        tried += 1;
        let begins = true;
        for await (const body of records) {
          told = await thread.take(trialStep, { begins, body }, asker);
          begins = false;
          yield { groups: told.groups, progress: { sessions: tried, changed: told.changed, ...told.counts, isWhole: false } };
        }
      }
      yield { groups: [], progress: { sessions: tried, changed: told.changed, ...told.counts, isWhole: true } };
    } finally {
      this.#trials -= 1;
    }
  }

  async save(wanted: WantedFile, begin: (change: FileChange) => Promise<void>, signal: AbortSignal): Promise<SavedFile> {
    const next = this.#lastSave.then(async () => this.#save(wanted, begin, signal));
    this.#lastSave = next.catch(() => undefined);
    return next;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#thread[Symbol.asyncDispose]();
  }

  async #save({ file, text, sha256, force }: WantedFile, begin: (change: FileChange) => Promise<void>, signal: AbortSignal): Promise<SavedFile> {
    const { config, policy, takeUp } = this.#parts;
    const fault = this.savingFault;
    const { policies } = config();
    if (fault !== null || policies === null) {
      throw new GatewayError('unsupported', fault ?? '');
    }
    const path = join(policies, file);
    const before = readPresent(path, file);
    requireUnchanged(before, sha256, file);
    const changed = [{ file, text }];
    const { problems, conflicts } = await this.check(changed, signal);
    if (problems.length > 0) {
      throw new GatewayError('config_invalid', problems.map(printPlaced).join('\n'));
    }
    if (conflicts.length > 0 && !force) {
      throw new GatewayError('config_invalid', `${conflicts.map(printPlaced).join('\n')}\nIf that is meant, save it with force.`);
    }
    const candidate = await configuredPolicyFromThread(config(), this.#thread, signal, changed);
    await begin({
      file,
      oldSha256: sha256,
      newSha256: digestOf(text),
      oldVersion: policy().version,
      newVersion: candidate.version,
      changesRecordings: !isSame(policy().recordingTexts, candidate.recordingTexts),
      newDeciders: newDecidersOf(policy(), candidate),
    });
    // Somebody may have changed it in the directory while it was checked.
    requireUnchanged(readPresent(path, file), sha256, file);
    write(path, text, sha256 === null);
    try {
      return { ...(await takeUp()), sha256: digestOf(text) };
    } catch (error) {
      const left = restore(path, text, before);
      if (left === null) {
        throw error;
      }
      throw error instanceof GatewayError ? new GatewayError(error.code, `${error.message}\n${left}`, { cause: error }) : new Error(left, { cause: error });
    }
  }

  #grounds(changed: readonly PolicyText[]): PolicyGrounds {
    const config = this.#parts.config();
    return { ...groundsOf(config, config.policies), changed };
  }
}

/** Returns who and what a configuration knows, without secrets: plain data, so that another thread can have it. */
function directoryOf({ targets, principals, groups, roles, issuers, classes }: Config): CaseDirectory {
  const facts = Array.from(targets.values(), ({ user: _user, password: _password, command: _command, ...told }): Target => ({ ...told, user: '' }));
  const names = (map: ReadonlyMap<string, unknown>): ReadonlyMap<string, unknown> => new Map(Array.from(map.keys(), (name) => [name, true]));
  return { targets: new Map(facts.map((target) => [target.name, target])), principals, groups, roles, issuers: names(issuers), classes: names(classes) };
}

function explained({ verdict, reason, policies }: Decision, unreached: string | null, texts: ReadonlyMap<string, string>): ExplainedDecision {
  return { verdict, reason, unreached, policies: policies.map((id) => ({ id, text: texts.get(id) ?? null })) };
}

/** Returns the groups whose members decide by policies that are new, or not as they were. */
function newDecidersOf(before: PolicyEngine, { texts, deciders = new Map() }: PolicyEngine): readonly string[] {
  return [...deciders].flatMap(([id, groups]) => (before.texts?.get(id) === texts?.get(id) ? [] : groups));
}

function isSame(before: ReadonlyMap<string, string> = new Map(), after: ReadonlyMap<string, string> = new Map()): boolean {
  return before.size === after.size && [...before].every(([id, text]) => after.get(id) === text);
}

/** Returns the text of a file; null if there is none. Throws GatewayError `conflict` if it is no file of its own, as a link. */
function readPresent(path: string, file: string): string | null {
  try {
    const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const found = fstatSync(fd);
      if (!found.isFile() || found.size > policyFileBytesMax) {
        throw new GatewayError('unsupported', `${file} is ${found.isFile() ? `longer than ${policyFileBytesMax} bytes` : 'no regular file'}.`);
      }
      return new TextDecoder().decode(readFileSync(fd));
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (error instanceof GatewayError) {
      throw error;
    }
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      return null;
    }
    throw new GatewayError(
      'unsupported',
      error instanceof Error && 'code' in error && error.code === 'ELOOP'
        ? `${file} is a symbolic link: change the file to which it leads.`
        : `${file} cannot be read: ${systemErrorWords(error) ?? 'it is not known why'}.`,
      { cause: error },
    );
  }
}

function requireUnchanged(present: string | null, sha256: string | null, file: string): void {
  if ((present === null ? null : digestOf(present)) !== sha256) {
    throw new GatewayError(
      'conflict',
      present === null
        ? `${file} is not there any more.`
        : sha256 === null
          ? `There is a file ${file} already.`
          : `${file} was changed meanwhile. Load it again, and put your change into it.`,
    );
  }
}

function write(path: string, text: string, isNew: boolean): void {
  try {
    writeWholeFile(path, text, { mode: newFileMode, isNew });
  } catch (cause) {
    throw new GatewayError('unsupported', `${basename(path)} cannot be written: ${systemErrorWords(cause) ?? 'it is not known why'}.`, { cause });
  }
}

/** Puts the file back as it was, unless somebody else has changed it by now. Returns why it is not as it was; null if it is. */
function restore(path: string, saved: string, before: string | null): string | null {
  const file = basename(path);
  try {
    if (readPresent(path, file) !== saved) {
      return `${file} is not put back as it was: somebody else has changed it meanwhile.`;
    }
    if (before === null) {
      rmSync(path, { force: true });
    } else {
      write(path, before, false);
    }
    return null;
  } catch (error) {
    return `${file} is left as it was saved: ${error instanceof GatewayError ? error.message : (systemErrorWords(error) ?? 'it cannot be removed')}`;
  }
}
