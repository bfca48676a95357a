import { isDeepStrictEqual } from 'node:util';
import type { Act, AnswerPart, Control, FullObjection, HeldAct, Objection, OnceRecorded } from '../controls/control.ts';
import type { Action, NamedIds } from '../domain/action.ts';
import type { RequestChange, RequestRelation } from '../domain/channel.ts';
import type { Authorization, Decision, Obligation } from '../domain/decision.ts';
import { recordKind, recordObligations } from '../domain/facts-only.ts';
import { Grant } from '../domain/grant.ts';
import type { Identity } from '../domain/principal.ts';
import type { Target } from '../domain/target.ts';
import type { TextChange } from '../domain/text-change.ts';
import type { Asker, PolicyEngine, Question, SessionHistory } from '../policy/policy.ts';
import { LiveHistory } from '../domain/session-history.ts';
import { readLimit } from '../domain/usage.ts';
import type { IdRefusal } from './ids-of-targets.ts';

/** Returns the policy in force. After a change of the configuration it returns the new one, which then decides on each session's next action. */
export type CurrentPolicy = () => PolicyEngine;

export interface GateContext {
  readonly policy: CurrentPolicy;
  readonly controls: readonly Control[];
  readonly identity: Identity;
  /** Returns the target as the configuration in force describes it to policy: the same object as long as that does not change. */
  readonly target: () => Target;
  /** The id of the session in which policy is asked; null before there is one. */
  readonly session: string | null;
  readonly address: string;
  /** The acts of the session before this one. Absent: none. */
  readonly history?: SessionHistory;
  /** The reason why these ids may not be named; null if they may. */
  readonly refusalOf?: (ids: NamedIds) => IdRefusal | null;
}

/** The gate's answer about one act. */
export interface Verdict {
  /** The decision. Its verdict is `hold` if `settled` is not null. */
  readonly decision: Decision;
  /** Gives the final decision on a held act, once the act is recorded. Its promise never rejects. Null: `decision` is final. */
  readonly settle: ((held: HeldAct) => Promise<Decision>) | null;
  /** Changes that the texts of the act's answer go through. */
  readonly changes: readonly TextChange[];
}

type Again = () => Action | Promise<Action>;

/** Comes with an act that is asked about: see `Gate.ask`. */
interface Asked {
  readonly leaving: () => AbortSignal;
  readonly change: RequestChange | null;
  readonly again: Again;
}

const none: readonly TextChange[] = [];

/** Decides on the acts of one channel. For an allowed act it makes the grant, the only thing that an upstream forwards. */
export class Gate {
  readonly #context: GateContext;
  /** By the kind of the obligations that each carries out. */
  readonly #controls: ReadonlyMap<string, Control>;
  /** The policy of which is known whether it may name an obligation whose control changes texts, and texts of requests. */
  #known: { readonly policy: PolicyEngine; readonly mayChangeTexts: boolean; readonly mayChangeRequests: boolean } | null = null;
  #asker: Asker | null = null;

  constructor(context: GateContext) {
    this.#context = context;
    this.#controls = new Map(context.controls.toReversed().map((control) => [control.kind, control]));
  }

  /** Asks policy about an act and has controls carry out the obligations. `leaving` gives the signal that aborts when nobody waits any more: a held act is then given up. `change` of the relation: what the act's texts have gone through. `again` returns the action with what is known of it once it was held and may go on. */
  ask(
    action: Action,
    bytes: readonly Uint8Array[],
    leaving: () => AbortSignal,
    { change = null, continues = false, partOf, isMessage = false, again = () => action }: RequestRelation & { readonly again?: Again } = {},
  ): Verdict {
    const asked = this.decide(action);
    const isRefused = action.resumes === true && asked.verdict !== 'deny' && this.#mayChangeOthers(asked);
    const decision = isRefused
      ? this.#refuse(action, 'it goes on with the answer to another request, in which policy may change texts: send that request again')
      : asked;
    return decision.verdict === 'deny' || (decision.verdict === 'allow' && decision.obligations.length === 0)
      ? { decision, settle: null, changes: none }
      : this.#oblige(
          decision,
          { ...this.#question(action), bytes, isWhole: !continues, isPart: partOf !== undefined && !isMessage },
          { leaving, change, again },
        );
  }

  /** Returns the decision before any obligation is carried out: policy's, or a denial if the credential ended or an id may not be named. */
  decide(action: Action): Decision {
    const { policy, identity, refusalOf } = this.#context;
    const end = identity.standing.ended();
    if (end !== null) {
      return this.#refuse(action, end.error.message);
    }
    const refusal = action.ids === undefined ? null : (refusalOf?.(action.ids) ?? null);
    if (refusal !== null) {
      return { ...this.#refuse(action, refusal.reason), answeredAs: refusal.answeredAs };
    }
    return policy().decide(this.#question(action));
  }

  /** Returns the obligations about the record of an act: none if its content is kept. */
  recordOf(action: Action): readonly Obligation[] {
    return recordObligations(this.#recordedWith(action));
  }

  /**
   * Returns the same for an act that is denied before policy is asked about it, so that its texts were not changed. Where a control changes texts of requests, only
   * the facts are kept: values that must be in no record may stand anywhere in such an act.
   */
  recordOfUnchanged(action: Action): readonly Obligation[] {
    const obligations = this.#recordedWith(action);
    return [...recordObligations(obligations), ...obligations.filter((each) => this.#changesRequest(each)).map(factsOnly)].slice(0, 1);
  }

  /** Returns the obligations that say what the record has of an act. */
  #recordedWith(action: Action): readonly Obligation[] {
    const { obligations } = this.#context.policy().decide(this.#question(action));
    return obligations.filter((each) => each.kind === recordKind || this.#changesRequest(each));
  }

  #changesRequest({ kind }: Pick<Obligation, 'kind'>): boolean {
    return this.#controls.get(kind)?.changeRequest !== undefined;
  }

  /** The decision for a request that the gateway itself sends to carry out a decision. It is recorded like any request. */
  ownDecision(): Decision {
    return {
      verdict: 'allow',
      policies: ['countersign'],
      policyVersion: this.#context.policy().version,
      reason: 'made by the gateway to carry out a decision',
      obligations: [],
    };
  }

  /** Adds a grant for exactly these bytes to a decision that allows; any other decision gets none. */
  grant(decision: Decision, bytes: readonly Uint8Array[]): Authorization {
    return decision.verdict === 'allow' ? { decision, grant: new Grant(bytes) } : { decision, grant: null };
  }

  /** True if policy names obligations for an act whose controls change texts. A policy that can name none is not asked. */
  isObliged({ ids: _ids, ...action }: Action): boolean {
    return this.#knownOfPolicy().mayChangeTexts && this.decide(action).obligations.some((each) => this.#changesTexts(each));
  }

  /** Returns the change that an act's texts go through before it is asked about; null if none. The owners of the ids that it names are looked up only with the act itself. */
  requestChange(asked: Action, bytes: readonly Uint8Array[]): RequestChange | null {
    if (!this.#knownOfPolicy().mayChangeRequests) {
      return null;
    }
    const { ids: _ids, ...action } = asked;
    const act = { ...this.#question(action), bytes, isWhole: true, isPart: false };
    const texts: TextChange[] = [];
    const carriedOut: Obligation[] = [];
    for (const obligation of this.decide(action).obligations) {
      const change = this.#controlOf(obligation)?.changeRequest?.(act, obligation);
      if (change !== undefined) {
        texts.push(change);
        carriedOut.push(obligation);
      }
    }
    return texts.length === 0 ? null : { texts, obligations: carriedOut };
  }

  /** Returns the obligations of an act whose controls change the texts of its answer. */
  answerChanges({ ids: _ids, ...action }: Action): readonly Obligation[] {
    return this.#knownOfPolicy().mayChangeTexts ? this.decide(action).obligations.filter((each) => this.#controlOf(each)?.change !== undefined) : [];
  }

  /** Returns those of the named limits under which any act of the channel may be. */
  limitsOfAny(names: ReadonlySet<string>): readonly Obligation[] {
    return this.#obligationsOfAny().filter((each) => each.kind === 'limit' && names.has(readLimit(each)?.name ?? ''));
  }

  #obligationsOfAny(): readonly Obligation[] {
    return this.#context.policy().obligationsOfAny?.({ asker: this.#askerNow(), target: this.#context.target() }) ?? [];
  }

  /** True if the answer to another act may go through changes that are not made in the answer to this one. */
  #mayChangeOthers({ obligations }: Decision): boolean {
    const changes = (each: Obligation): boolean => this.#controlOf(each)?.change !== undefined && !this.#changesRequest(each);
    const named = new Set(obligations.filter(changes).flatMap(({ parameters }) => parameters['policy']?.split(',') ?? []));
    return this.#obligationsOfAny().some((each) => changes(each) && !named.has(each.parameters['policy'] ?? ''));
  }

  /** Tells the controls that an act with these obligations is recorded as allowed or as held. */
  asked(action: Action, obligations: readonly Obligation[]): void {
    for (const obligation of obligations) {
      this.#controlOf(obligation)?.asked?.(this.#question(action), obligation);
    }
  }

  /** Tells the controls about a record of the answer to an act with these obligations. */
  answered(obligations: readonly Obligation[], part: AnswerPart): void {
    for (const obligation of obligations) {
      this.#controlOf(obligation)?.answered?.({ asker: this.#askerNow(), target: this.#context.target() }, obligation, part);
    }
  }

  #knownOfPolicy(): { readonly mayChangeTexts: boolean; readonly mayChangeRequests: boolean } {
    const policy = this.#context.policy();
    if (this.#known?.policy !== policy) {
      const mayName = (changes: (obligation: Pick<Obligation, 'kind'>) => boolean): boolean =>
        [...this.#controls.values()].some(changes) && (policy.obligations?.some(changes) ?? true);
      this.#known = { policy, mayChangeTexts: mayName((each) => this.#changesTexts(each)), mayChangeRequests: mayName((each) => this.#changesRequest(each)) };
    }
    return this.#known;
  }

  #changesTexts({ kind }: Pick<Obligation, 'kind'>): boolean {
    const control = this.#controls.get(kind);
    return control?.change !== undefined || control?.changeRequest !== undefined;
  }

  #controlOf({ kind }: Obligation): Control | undefined {
    return this.#controls.get(kind);
  }

  #oblige(asked: Decision, act: Act, { leaving, change, again }: Asked): Verdict {
    const decision = this.#isAgain(asked, act) ? { ...asked, obligations: asked.obligations.filter((each) => !this.#countsActs(each)) } : asked;
    const pending: (Promise<Objection> | OnceRecorded)[] = [];
    const heldFor: Obligation[] = [];
    const changes: TextChange[] = [];
    const isAboutRecord = decision.obligations.some(({ kind }) => kind === recordKind);
    const obligations = isAboutRecord ? decision.obligations.filter(({ kind }) => kind !== recordKind) : decision.obligations;
    for (const [i, obligation] of obligations.entries()) {
      const control = this.#controlOf(obligation);
      if (control?.isReady?.(obligation) === false) {
        const reason = 'what was used of a limit is still being read from the record: try again in a moment';
        return { decision: { ...decision, verdict: 'deny', policies: ['countersign'], reason, answeredAs: 'catching_up' }, settle: null, changes: none };
      }
      const isLeftOut = control?.changeRequest !== undefined && change?.obligations.some((each) => isDeepStrictEqual(each, obligation)) !== true;
      const answer =
        control === undefined
          ? `policy asks for "${obligation.kind}", which this gateway cannot carry out`
          : isLeftOut
            ? `policy asks for "${obligation.kind}", which changes texts of a request, and those of this request cannot be changed`
            : (control.admit?.(act, obligation, leaving) ?? null);
      if (typeof answer === 'function' || answer instanceof Promise) {
        pending.push(answer);
        heldFor.push(obligation);
      } else if (isObjection(answer)) {
        const first = { obligation, answer: inFull(answer) };
        const last = first.answer.retryAfterSeconds === undefined ? first : this.#lastToPass(first, obligations.slice(i + 1), act, leaving);
        const denied = decided(namedIn(decision, last.obligation), last.answer);
        const isKept = last.answer.keepsFactsAlone !== true || recordObligations(denied.obligations).length > 0;
        return { decision: isKept ? denied : { ...denied, obligations: [...denied.obligations, factsOnly(last.obligation)] }, settle: null, changes: none };
      }
      const answerChange = control?.change?.(act, obligation);
      if (answerChange !== undefined) {
        changes.push(answerChange);
      }
    }
    if (pending.length > 0) {
      return {
        decision: { ...decision, verdict: 'hold' },
        settle: async (held) => this.#stillAllowed(await this.#settle(decision, pending, held), again, heldFor),
        changes,
      };
    }
    if (decision.verdict === 'allow') {
      return { decision, settle: null, changes };
    }
    const isLifted = obligations.length > 0;
    const lifted: Decision = isLifted
      ? { ...decision, verdict: 'allow' }
      : { ...decision, verdict: 'deny', reason: `${decision.reason}: it is held, and no control is named that could allow it` };
    return { decision: lifted, settle: null, changes };
  }

  /** Returns the objection of one control that passes last, of those that pass by themselves: before that the act is not let through. */
  #lastToPass(first: Objected, others: readonly Obligation[], act: Act, leaving: () => AbortSignal): Objected {
    let last = first;
    for (const obligation of others.filter(({ kind }) => kind === first.obligation.kind)) {
      const answer = this.#controlOf(obligation)?.admit?.(act, obligation, leaving) ?? null;
      if (
        typeof answer === 'object' &&
        answer !== null &&
        !(answer instanceof Promise) &&
        (answer.retryAfterSeconds ?? 0) > (last.answer.retryAfterSeconds ?? 0)
      ) {
        last = { obligation, answer };
      }
    }
    return last;
  }

  #isAgain({ obligations }: Decision, act: Act): boolean {
    return obligations.some((each) => this.#controlOf(each)?.isAgain?.(act, each) === true);
  }

  #countsActs(obligation: Obligation): boolean {
    return this.#controlOf(obligation)?.countsActs?.(obligation) === true;
  }

  /** Waits for the controls. The act is denied if one of them objects or fails, or if the credential ended meanwhile. */
  async #settle(decision: Decision, pending: readonly (Promise<Objection> | OnceRecorded)[], held: HeldAct): Promise<Decision> {
    const answers = await Promise.allSettled(pending.map(async (each) => (typeof each === 'function' ? each(held) : each)));
    const objections = answers.map((answer) => (answer.status === 'fulfilled' ? answer.value : 'what was to decide on it failed'));
    const end = this.#context.identity.standing.ended()?.error.message ?? null;
    const first = objections.find(isObjection) ?? end ?? objections.find((each) => each !== null) ?? null;
    return decided(decision, first);
  }

  /**
   * Asks policy again about an act that was held and may go on: what policy looks at (the hour, what the session did, what it saw) may have changed while it waited. The
   * changes of texts are those of before, so one that policy names only now denies the act.
   */
  async #stillAllowed(settled: Decision, again: Again, heldFor: readonly Obligation[]): Promise<Decision> {
    if (settled.verdict !== 'allow') {
      return settled;
    }
    const now = this.decide(await again());
    const kinds = new Set(heldFor.map(({ kind }) => kind));
    const isMore = now.obligations.some(
      (each) => (kinds.has(each.kind) || this.#changesTexts(each)) && !settled.obligations.some((known) => isDeepStrictEqual(known, each)),
    );
    if (now.verdict !== 'deny' && !isMore) {
      return settled;
    }
    const reason = now.verdict === 'deny' ? now.reason : `${now.reason}: policy asks for others than when it was held`;
    return { ...now, verdict: 'deny', reason, ...(settled.approval === undefined ? {} : { approval: settled.approval }) };
  }

  #question(action: Action): Question {
    return { asker: this.#askerNow(), target: this.#context.target(), action, timeMs: Date.now() };
  }

  #askerNow(): Asker {
    const { identity, session, address, history = new LiveHistory() } = this.#context;
    const { principal } = identity.standing;
    if (this.#asker?.principal !== principal) {
      this.#asker = askerOf(identity, { session, address, history });
    }
    return this.#asker;
  }

  /** A denial by the gateway itself, whatever policy says. */
  #refuse(action: Action, reason: string): Decision {
    return { verdict: 'deny', policies: ['countersign'], policyVersion: this.#context.policy().version, reason, obligations: this.#recordedWith(action) };
  }
}

/** An objection, and the obligation for which a control made it. */
interface Objected {
  readonly obligation: Obligation;
  readonly answer: FullObjection;
}

function isObjection(answer: Objection): boolean {
  return inFull(answer).objection !== null;
}

function inFull(answer: Objection): FullObjection {
  return typeof answer === 'object' && answer !== null ? answer : { objection: answer };
}

/** Returns the obligation to keep only the facts of an act because of another obligation. */
function factsOnly({ parameters: { policy } }: Obligation): Obligation {
  return { kind: recordKind, parameters: { keep: 'facts', ...(policy === undefined ? {} : { policy }) } };
}

/** Returns a decision that names the policy of the obligation that denies the act, if it is known. */
function namedIn(decision: Decision, { parameters: { policy } }: Obligation): Decision {
  return policy === undefined ? decision : { ...decision, policies: [policy] };
}

/** Returns the final decision on an act to which this is the first objection. An act whose approval is still open stays held. */
function decided(decision: Decision, answer: Objection): Decision {
  const { approval, objection, retryAfterSeconds } = inFull(answer);
  const isOpen = approval !== undefined && approval.next !== 'stop';
  const about = { ...(approval === undefined ? {} : { approval }), ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) };
  return objection === null ? { ...decision, ...about, verdict: 'allow' } : { ...decision, ...about, verdict: isOpen ? 'hold' : 'deny', reason: objection };
}

/** Returns the description of the asker for policy. */
export function askerOf(identity: Identity, where: Pick<Asker, 'session' | 'address' | 'history'>): Asker {
  return {
    principal: identity.standing.principal,
    onBehalfOf: identity.onBehalfOf ?? null,
    run: identity.session ?? null,
    within: identity.targets ?? null,
    ...where,
  };
}
