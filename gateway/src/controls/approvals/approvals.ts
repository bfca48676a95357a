import { isDeepStrictEqual } from 'node:util';
import { answerOf, type ApprovalState, type HoldMode } from '../../domain/approval.ts';
import { GatewayError } from '../../domain/errors.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import type { Principal } from '../../domain/principal.ts';
import { saidWords } from '../../domain/said-words.ts';
import type { AskEstimate, Attributes } from '../../domain/action.ts';
import type { Obligation } from '../../domain/decision.ts';
import type { Act, Control, HeldAct, Objection, OnceRecorded } from '../control.ts';
import { digestOf } from './digest.ts';
import { checkBreaker, groupsOf, operatorName, standIns, type GivenGrant, type Granter } from './granters.ts';

/** Most approvals that are open at the same time: of one principal, and of all together. */
const openPerPrincipalMax = 2_000;
const openMax = 10_000;
/** Most approvals that are remembered after they ended, so that who asked can still see what became of them. */
const endedMax = 1_000;
/** Most characters of the notes of those who granted, in the record that an approval was used; the notes have equal shares. Each grant's own record has its whole note. */
const notesCharactersMax = 4_000;

interface ApprovalSettings {
  /** How long an approval is open. */
  readonly waitMs: number;
  /** How clients learn the outcome. Null: people wait, agents are answered at once. */
  readonly mode: HoldMode | null;
}

/** An approval that was open when the gateway ended, and the request that it was for. */
export interface LeftApproval {
  readonly approval: string;
  readonly session: string;
  readonly record: string;
}

/** Keeps which approvals are open, so that the next start can tell what became of them. */
interface OpenApprovals {
  add(open: LeftApproval): void;
  remove(approval: string): void;
}

export interface ApprovalsOptions {
  readonly settings: () => ApprovalSettings;
  readonly store: OpenApprovals;
  readonly policyVersion: () => string;
  /** Returns a principal as it is configured now; undefined if there is none, or if it is suspended. */
  readonly findPrincipal: (id: string) => Principal | undefined;
  /** Returns the text of a request as people read it. */
  readonly textOf: (act: Act, held: HeldAct) => string;
  readonly newId: () => string;
  readonly now: () => number;
  /** Called after each step of an approval was recorded. */
  readonly onStep?: (news: ApprovalNews) => void;
}

/** A step of an approval, as it was recorded. */
export interface ApprovalNews {
  readonly step: 'requested' | 'granted' | 'spent' | 'denied' | 'expired' | 'withdrawn';
  readonly view: ApprovalView;
  readonly timeMs: number;
  /** The one who took the step; absent for a step of the gateway itself. */
  readonly by?: string;
  /** The words of the person, or of the gateway, about the step. */
  readonly note?: string;
}

/** An approval as it is told to those who may decide on it. */
export interface ApprovalView {
  readonly approval: string;
  readonly session: string;
  readonly seq: number;
  readonly record: string;
  readonly principal: string;
  readonly onBehalfOf: string | null;
  readonly target: string;
  readonly action: string;
  readonly text: string;
  /** The facts of the request, by the attribute names of its record. */
  readonly attributes: Attributes;
  /** How many rows the request would change, as its target estimates; null if that is not known, or not yet. */
  readonly estimatedRows: number | null;
  readonly policies: readonly string[];
  readonly reason: string;
  /** The digest to which the approval is bound: of the act, who asks, and the policies. In hex. */
  readonly digest: string;
  readonly groups: readonly string[];
  /** The groups of which who asks must be a member to go on without the approval, in an emergency. Empty: nobody may. */
  readonly breakGlass: readonly string[];
  readonly grants: readonly GivenGrant[];
  /** The groups for which somebody has granted. */
  readonly granted: readonly string[];
  readonly state: ApprovalState;
  /** The end of the approval; null while it is open. */
  readonly end: ApprovalEnd | null;
  readonly requestedMs: number;
  readonly expiresMs: number;
}

/** How an approval ended. */
interface ApprovalEnd {
  /** The one who denied it; null if the gateway itself ended it, or if it was used. */
  readonly by: string | null;
  /** Why it was denied, or why the gateway ended it; empty if it was used. */
  readonly reason: string;
  readonly timeMs: number;
  /** The name of the record of that, `LOG/INDEX`. Null: it could not be recorded. */
  readonly record: string | null;
}

/** An approval, open or ended. Only `Approvals` changes it. */
interface Approval {
  readonly id: string;
  readonly digest: string;
  readonly principal: Principal;
  view: Omit<ApprovalView, 'digest' | 'grants' | 'granted' | 'state' | 'end'>;
  /** True if only the facts of the request are kept: its text is then forgotten with the end of the approval. */
  readonly isFactsOnly: boolean;
  readonly policyVersion: string;
  readonly note: HeldAct['note'];
  /** The name of the record that it was asked for, `LOG/INDEX`. */
  readonly askedRecord: string;
  readonly grants: GivenGrant[];
  state: ApprovalState;
  end: ApprovalEnd | null;
  /** One sentence for the client: why it does not go on. */
  words: string;
  /** Answers the request that waits. Null: none does. */
  answer: ((objection: Objection) => void) | null;
  /** Acts that end the watching for its end. */
  readonly ends: (() => void)[];
}

/** Holds requests until people have approved exactly these. What it knows is in memory only: a restart refuses what was held. */
export class Approvals implements Control, Disposable {
  readonly kind = 'approval';
  readonly #options: ApprovalsOptions;
  readonly #open = new Map<string, Approval>();
  readonly #ended = new Map<string, Approval>();
  /** The approvals that a request with this digest finds: those that are open, and one that was denied. There are several while several such requests wait. */
  readonly #byDigest = new Map<string, Set<Approval>>();
  readonly #openOf = new Map<string, number>();

  constructor(options: ApprovalsOptions) {
    this.#options = options;
  }

  isAgain(act: Act, obligation: Obligation): boolean {
    return act.isWhole && this.#known(digestOf(act, this.#options.policyVersion()), this.#modeOf(act), wantedBy(obligation)) !== undefined;
  }

  admit(act: Act, obligation: Obligation): Objection | OnceRecorded {
    if (!act.isWhole) {
      return 'it needs an approval, which is for a whole request, and this one comes in parts';
    }
    const doubt = act.action.doubt?.() ?? null;
    if (doubt !== null) {
      return `it needs an approval, and ${doubt}`;
    }
    const wanted = wantedBy(obligation);
    return (held) => this.#hold(act, wanted, held);
  }

  /** All approvals that are known, those first that were asked for first. */
  list(): readonly ApprovalView[] {
    return [...this.#ended.values(), ...this.#open.values()].map(viewOf).toSorted((a, b) => a.requestedMs - b.requestedMs);
  }

  find(id: string): ApprovalView | null {
    const found = this.#open.get(id) ?? this.#ended.get(id);
    return found === undefined ? null : viewOf(found);
  }

  /**
   * Grants an approval for one of its groups. Throws GatewayError `not_found`, `refused` if the granter may not, `conflict` if it is not open or the granter has
   * granted it already, and `cannot_record`; nothing is granted then.
   */
  grant(id: string, by: Granter, note: string): ApprovalView {
    const { approval, groups, name } = this.#decidable(id, by, (view) => groupsOf(by, view));
    if (approval.grants.some((each) => each.by === name && each.isOperator === (by.identity === null))) {
      throw new GatewayError('conflict', `${name} has granted this approval already, and each group needs another person.`);
    }
    const grant = {
      by: name,
      isOperator: by.identity === null,
      standing: by.identity?.standing ?? null,
      groups,
      isBreak: false,
      note,
      timeMs: this.#options.now(),
    };
    const granted = standIns(approval.view.groups, [...approval.grants, grant]);
    if (granted.size === standIns(approval.view.groups, approval.grants).size) {
      throw new GatewayError('conflict', `Others have granted this approval for ${groups.join(' and ')} already.`);
    }
    const isComplete = granted.size === approval.view.groups.length;
    const record = this.#note(approval, isComplete ? 'granted' : 'waiting', { by: name, note, groups: [...granted.keys()] });
    approval.grants.push({ ...grant, record });
    return this.#granted(approval, { by: name, note, isComplete });
  }

  /** Lets the request of the person who asks go on without its approval, in an emergency. Throws as `grant` does. */
  breakGlass(id: string, by: Granter, reason: string): ApprovalView {
    const { approval, groups, name } = this.#decidable(id, by, (view) => {
      checkBreaker(by, view);
      return view.breakGlass;
    });
    const record = this.#note(approval, 'granted', { by: name, note: reason, groups: approval.view.groups, breakGlass: groups });
    const standing = by.identity?.standing ?? null;
    approval.grants.push({ by: name, isOperator: false, standing, groups, isBreak: true, note: reason, timeMs: this.#options.now(), record });
    return this.#granted(approval, { by: name, note: reason, isComplete: true });
  }

  /** Tells of a grant, and lets a request that waits go on if it was the last one. */
  #granted(approval: Approval, { isComplete, ...step }: Pick<Step, 'by' | 'note'> & { readonly isComplete: boolean }): ApprovalView {
    if (isComplete) {
      approval.state = 'granted';
    }
    this.#tell('granted', approval, step);
    if (isComplete && approval.answer !== null) {
      this.#spend(approval, approval.note);
    }
    return viewOf(approval);
  }

  /** Denies an approval, also one that is granted and was not used. Throws as `grant` does. */
  deny(id: string, by: Granter, reason: string): ApprovalView {
    const { approval, name } = this.#decidable(id, by, (view) => groupsOf(by, view), ['waiting', 'granted']);
    const record = this.#note(approval, 'denied', { by: name, note: reason });
    this.#end(approval, 'denied', { by: name, reason, record, words: `${name} denied it: ${saidWords(reason)}` });
    this.#tell('denied', approval, { by: name, note: reason });
    return viewOf(approval);
  }

  /** Withdraws the approvals that are void by now. To be called after each change of the configuration, each suspension and each revocation. Returns how many. */
  recheck(): number {
    let withdrawn = 0;
    for (const approval of this.#open.values()) {
      const why = this.#voidFor(approval);
      if (why !== null) {
        this.#giveUp(approval, 'withdrawn', why);
        withdrawn += 1;
      }
    }
    return withdrawn;
  }

  /** Withdraws all that is open, because the gateway stops. */
  [Symbol.dispose](): void {
    for (const approval of this.#open.values()) {
      this.#giveUp(approval, 'withdrawn', 'the gateway stopped');
    }
  }

  #hold(act: Act, wanted: Wanted, held: HeldAct): Objection | Promise<Objection> {
    const mode = this.#modeOf(act);
    const digest = digestOf(act, held.decision.policyVersion);
    const known = this.#known(digest, mode, wanted);
    if (known?.state === 'granted') {
      return this.#spend(known, held.note);
    }
    if (known?.state === 'denied') {
      return this.#outcome(known);
    }
    if (known?.state === 'waiting') {
      noteStep(held.note, known, 'waiting', {});
      return mode === 'return' ? this.#outcome(known) : this.#wait(known, act, held);
    }
    if (this.#open.size >= openMax || (this.#openOf.get(act.asker.principal.id) ?? 0) >= openPerPrincipalMax) {
      return `too many requests wait for approval: at most ${openPerPrincipalMax} of one principal, and ${openMax} of all`;
    }
    const approval = this.#begin(act, { ...wanted, digest }, held);
    return mode === 'return' ? this.#outcome(approval) : this.#wait(approval, act, held);
  }

  #modeOf({ action, asker }: Act): HoldMode {
    return action.onHold?.mode ?? this.#options.settings().mode ?? (asker.principal.kind === 'human' ? 'wait' : 'return');
  }

  /**
   * Returns the approval that a request with this digest finds, unless it is over: one that was decided on, else one for which no other request waits. One that fewer
   * groups were asked for than policy names by now is not for this request; a denial is.
   */
  #known(digest: string, mode: HoldMode, { groups, breakGlass }: Wanted): Approval | undefined {
    const nowMs = this.#options.now();
    for (const known of this.#byDigest.get(digest) ?? []) {
      if (known.view.expiresMs <= nowMs) {
        this.#giveUp(known, 'expired', 'nobody decided in time');
        this.#forget(known);
      }
    }
    const isBreakable = ({ groups: of }: GivenGrant): boolean => breakGlass.length > 0 && breakGlass.every((group) => of.includes(group));
    const isOfAll = ({ state, view, grants }: Approval): boolean =>
      state === 'denied' || (groups.every((group) => view.groups.includes(group)) && grants.every((grant) => !grant.isBreak || isBreakable(grant)));
    const known = [...(this.#byDigest.get(digest) ?? [])].filter(isOfAll);
    return known.find(({ state }) => state === 'granted' || state === 'denied') ?? known.find(({ answer }) => mode === 'return' || answer === null);
  }

  /** Takes an approval out of those that a request finds by its digest. */
  #forget(approval: Approval): void {
    const known = this.#byDigest.get(approval.digest);
    known?.delete(approval);
    if (known?.size === 0) {
      this.#byDigest.delete(approval.digest);
    }
  }

  #begin(act: Act, { groups, breakGlass, digest }: Wanted & { readonly digest: string }, held: HeldAct): Approval {
    const { now, newId, settings, store, textOf } = this.#options;
    const { asker, target, action } = act;
    const { session, seq, record, decision } = held;
    const requestedMs = now();
    const { waitMs } = settings();
    const id = newId();
    const ask = action.estimate?.() ?? null;
    store.add({ approval: id, session, record });
    const askedRecord = this.#noteFirst({ id, digest }, held, { groups, estimates: ask !== null });
    const approval: Approval = {
      id,
      digest,
      principal: asker.principal,
      view: {
        approval: id,
        session,
        seq,
        record,
        principal: asker.principal.id,
        onBehalfOf: asker.onBehalfOf,
        target: target.name,
        action: action.name,
        text: textOf(act, held),
        attributes: action.attributes,
        estimatedRows: null,
        policies: decision.policies,
        reason: decision.reason,
        groups,
        breakGlass,
        requestedMs,
        expiresMs: requestedMs + waitMs,
      },
      isFactsOnly: held.isFactsOnly,
      policyVersion: decision.policyVersion,
      note: held.note,
      askedRecord,
      grants: [],
      state: 'waiting',
      end: null,
      words: '',
      answer: null,
      ends: [],
    };
    this.#open.set(id, approval);
    this.#openOf.set(asker.principal.id, (this.#openOf.get(asker.principal.id) ?? 0) + 1);
    this.#byDigest.set(digest, (this.#byDigest.get(digest) ?? new Set()).add(approval));
    const timer = setTimeout(() => {
      this.#giveUp(approval, 'expired', 'nobody decided in time');
    }, waitMs).unref();
    approval.ends.push(
      () => {
        clearTimeout(timer);
      },
      held.onEnded(({ message }) => {
        this.#giveUp(approval, 'withdrawn', message);
      }),
      held.standing.onEnd(({ error }) => {
        this.#giveUp(approval, 'withdrawn', error.message);
      }),
    );
    this.#tell('requested', approval, {});
    if (ask !== null) {
      void this.#estimate(approval, ask);
    }
    return approval;
  }

  /** Asks the target how many rows a request would change. Nothing waits for that. The number is shown once it is recorded. */
  async #estimate(approval: Approval, ask: AskEstimate): Promise<void> {
    const ended = new AbortController();
    approval.ends.push(() => {
      ended.abort();
    });
    const estimatedRows = await ask(ended.signal);
    if (estimatedRows === null || !this.#open.has(approval.id)) {
      return;
    }
    try {
      this.#note(approval, approval.state, { estimatedRows });
    } catch (error) {
      if (error instanceof GatewayError) {
        return;
      }
      throw error;
    }
    approval.view = { ...approval.view, estimatedRows };
  }

  /** Records that an approval is asked for, and returns the name of the record. If that cannot be recorded, there is no approval. */
  #noteFirst(approval: Pick<Approval, 'id' | 'digest'>, { note }: HeldAct, step: Pick<Step, 'groups' | 'estimates'>): string {
    try {
      return noteStep(note, approval, 'waiting', step);
    } catch (error) {
      this.#options.store.remove(approval.id);
      throw error;
    }
  }

  /** Lets a request wait until its approval ends. If its client leaves before, the approval is withdrawn. */
  #wait(approval: Approval, act: Act, held: HeldAct): Promise<Objection> {
    const { promise, resolve } = Promise.withResolvers<Objection>();
    const leave = (): void => {
      this.#giveUp(approval, 'withdrawn', 'its client left');
    };
    const waitMsMax = act.action.onHold?.waitMsMax ?? Infinity;
    const timer = waitMsMax < approval.view.expiresMs - this.#options.now() ? setTimeout(() => approval.answer?.(this.#outcome(approval)), waitMsMax) : null;
    approval.answer = (objection) => {
      approval.answer = null;
      clearTimeout(timer ?? undefined);
      held.withdrawn.removeEventListener('abort', leave);
      resolve(objection);
    };
    held.withdrawn.addEventListener('abort', leave, { once: true });
    if (held.withdrawn.aborted) {
      leave();
    } else {
      held.tell({
        approval: approval.id,
        words: waitingWords(approval),
        cancel: () => {
          this.#giveUp(approval, 'withdrawn', 'its client cancelled the request');
        },
      });
    }
    return promise;
  }

  /** Lets a request go on, once. `note` records that with the request that goes on, and says who approved it. */
  #spend(approval: Approval, note: HeldAct['note']): Objection {
    const record = noteStep(note, approval, 'spent', { groups: approval.view.groups, use: useOf(approval) });
    this.#end(approval, 'spent', { by: null, reason: '', record, words: 'its approval was used' });
    this.#tell('spent', approval, {});
    return { approval: answerOf(approval.id, 'spent'), objection: null };
  }

  /** Returns the objection to a request for which this approval stands. */
  #outcome({ id, state, words, ...approval }: Approval): Objection {
    return { approval: answerOf(id, state), objection: state === 'waiting' ? waitingWords({ id, ...approval }) : words };
  }

  /** Finds an approval that somebody may decide on now. Throws as `grant` does. */
  #decidable(
    id: string,
    by: Granter,
    groupsFor: (view: Approval['view']) => readonly string[],
    states: readonly ApprovalState[] = ['waiting'],
  ): { readonly approval: Approval; readonly groups: readonly string[]; readonly name: string } {
    const approval = this.#open.get(id) ?? this.#ended.get(id);
    if (approval === undefined) {
      throw new GatewayError('not_found', `There is no approval ${id}: countersign approval list names them.`);
    }
    const groups = groupsFor(approval.view);
    const why = this.#voidFor(approval);
    if (states.includes(approval.state) && approval.view.expiresMs <= this.#options.now()) {
      this.#giveUp(approval, 'expired', 'nobody decided in time');
    } else if (states.includes(approval.state) && why !== null) {
      this.#giveUp(approval, 'withdrawn', why);
    }
    if (!states.includes(approval.state)) {
      throw new GatewayError('conflict', `The approval ${id} cannot be decided on any more: it is ${approval.state}.`);
    }
    return { approval, groups, name: by.identity?.principal.id ?? operatorName };
  }

  /** The reason why an approval is void by now; null if it is not. */
  #voidFor({ principal, policyVersion, grants }: Approval): string | null {
    const { findPrincipal } = this.#options;
    if (this.#options.policyVersion() !== policyVersion) {
      return 'the policies changed';
    }
    if (!isDeepStrictEqual(findPrincipal(principal.id), principal)) {
      return `what ${principal.id} may do changed`;
    }
    const left = grants.find(({ by, isOperator, groups }) => !isOperator && !groups.every((group) => findPrincipal(by)?.groups.includes(group) === true));
    if (left !== undefined) {
      return `${left.by} granted it, and is suspended or no member of the group any more`;
    }
    // A token that expires was good when its holder granted. One that is revoked may never have been in the holder's hands alone.
    const revoked = grants.find(({ standing }) => standing?.ended()?.reason === 'revoked');
    return revoked === undefined ? null : `the token with which ${revoked.by} granted it was revoked`;
  }

  /** Ends an approval for a reason of the gateway's own. It ends also if that cannot be recorded: nothing goes on then. */
  #giveUp(approval: Approval, state: 'expired' | 'withdrawn', why: string): void {
    if (!this.#open.has(approval.id)) {
      return;
    }
    let record: string | null = null;
    try {
      record = this.#note(approval, state, { note: why });
    } catch (error) {
      if (!(error instanceof GatewayError)) {
        throw error;
      }
    }
    this.#end(approval, state, { by: null, reason: why, record, words: `the approval ${approval.id} is ${state}: ${why}` });
    this.#tell(state, approval, { note: why });
  }

  #tell(step: ApprovalNews['step'], approval: Approval, { by, note }: Pick<Step, 'by' | 'note'>): void {
    const { onStep, now } = this.#options;
    // Notices are stored until they are sent, and nothing stores the text of a request of which only the facts are kept.
    const view = approval.isFactsOnly ? { ...viewOf(approval), text: '' } : viewOf(approval);
    onStep?.({ step, view, timeMs: now(), ...(by === undefined ? {} : { by }), ...(note === undefined ? {} : { note }) });
  }

  #note(approval: Approval, state: ApprovalState, step: Step): string {
    return noteStep(approval.note, approval, state, step);
  }

  #end(approval: Approval, state: ApprovalState, { words, ...end }: Omit<ApprovalEnd, 'timeMs'> & Pick<Approval, 'words'>): void {
    const { id, principal, ends } = approval;
    approval.state = state;
    approval.end = { ...end, timeMs: this.#options.now() };
    approval.words = words;
    if (approval.isFactsOnly) {
      approval.view = { ...approval.view, text: '', attributes: {}, estimatedRows: null };
    }
    this.#open.delete(id);
    const left = (this.#openOf.get(principal.id) ?? 1) - 1;
    if (left === 0) {
      this.#openOf.delete(principal.id);
    } else {
      this.#openOf.set(principal.id, left);
    }
    // A denial stands for the same request until the approval would have expired.
    if (state !== 'denied') {
      this.#forget(approval);
    }
    this.#remember(approval);
    this.#options.store.remove(id);
    for (const stopWatching of ends.splice(0)) {
      stopWatching();
    }
    approval.answer?.(state === 'spent' ? { approval: answerOf(id, state), objection: null } : this.#outcome(approval));
  }

  #remember(approval: Approval): void {
    this.#ended.set(approval.id, approval);
    for (const [id, oldest] of this.#ended) {
      if (this.#ended.size <= endedMax) {
        return;
      }
      this.#ended.delete(id);
      this.#forget(oldest);
    }
  }
}

interface Step {
  readonly by?: string;
  readonly note?: string;
  readonly groups?: readonly string[];
  /** The groups by which somebody broke the glass. */
  readonly breakGlass?: readonly string[];
  readonly estimates?: boolean;
  readonly estimatedRows?: number;
  /** The facts that only the record that an approval was used has. */
  readonly use?: Attributes;
}

/** Records a step of an approval, and returns the name of the record. */
function noteStep(
  note: HeldAct['note'],
  { id, digest }: Pick<Approval, 'id' | 'digest'>,
  state: ApprovalState,
  { by, note: words, groups, ...step }: Step,
): string {
  return note({
    [ownAttributes.approvalId]: id,
    [ownAttributes.approvalState]: state,
    [ownAttributes.approvalDigest]: digest,
    ...(by === undefined ? {} : { [ownAttributes.approvalBy]: by }),
    ...(words === undefined || words === '' ? {} : { [ownAttributes.approvalNote]: words }),
    ...(groups === undefined ? {} : { [ownAttributes.approvalGroups]: groups }),
    ...(step.breakGlass === undefined ? {} : { [ownAttributes.approvalBreakGlass]: step.breakGlass }),
    ...(step.estimates === true ? { [ownAttributes.approvalEstimates]: true } : {}),
    ...(step.estimatedRows === undefined ? {} : { [ownAttributes.approvalEstimatedRows]: step.estimatedRows }),
    ...step.use,
  });
}

/** Returns what the use of an approval is bound to: who asked and where, and who granted it for each group, in the order of the groups. */
function useOf({ view, grants, askedRecord }: Approval): Attributes {
  const { principal, onBehalfOf, session, groups } = view;
  const given = standIns(groups, grants);
  const broken = grants.find(({ isBreak }) => isBreak);
  const inOrder = broken === undefined ? groups.flatMap((group) => given.get(group) ?? []) : [broken];
  const noteCharactersMax = Math.floor(notesCharactersMax / inOrder.length);
  return {
    [ownAttributes.principal]: principal,
    ...(onBehalfOf === null ? {} : { [ownAttributes.onBehalfOf]: onBehalfOf }),
    ...(broken === undefined ? {} : { [ownAttributes.approvalBreakGlass]: broken.groups }),
    [ownAttributes.approvalAskedSession]: session,
    [ownAttributes.approvalAskedRecord]: askedRecord,
    [ownAttributes.approvalGrantedBy]: inOrder.map(({ by }) => by),
    [ownAttributes.approvalGrantedTimes]: inOrder.map(({ timeMs }) => new Date(timeMs).toISOString()),
    [ownAttributes.approvalGrantedNotes]: inOrder.map(({ note }) =>
      note.length <= noteCharactersMax ? note : `${note.slice(0, noteCharactersMax).toWellFormed()}…`,
    ),
    [ownAttributes.approvalGrantedRecords]: inOrder.map(({ record }) => record),
  };
}

/** The groups that policy wants to approve a request, and those that may go on without that. */
type Wanted = Pick<ApprovalView, 'groups' | 'breakGlass'>;

function wantedBy({ parameters }: Obligation): Wanted {
  return { groups: parameters['groups']?.split(',') ?? [], breakGlass: parameters['breakglass']?.split(',') ?? [] };
}

function waitingWords({ id, view }: Pick<Approval, 'id' | 'view'>): string {
  return `${view.reason.replace(/\.$/, '')}: it waits for approval by ${view.groups.join(' and ')}; countersign approval grant ${id}${view.breakGlass.length === 0 ? '' : `; in an emergency, who asks and is of ${view.breakGlass.join(' and ')}: countersign approval break ${id} --reason TEXT`}`;
}

function viewOf({ view, digest, grants, state, end }: Approval): ApprovalView {
  return { ...view, digest, grants: [...grants], granted: [...standIns(view.groups, grants).keys()], state, end };
}
