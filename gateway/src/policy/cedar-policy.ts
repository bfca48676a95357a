import { createHash, hash } from 'node:crypto';
import type { Action } from '../domain/action.ts';
import type { ContextField } from '../domain/context-field.ts';
import type { Decision, Obligation } from '../domain/decision.ts';
import { recordKind } from '../domain/facts-only.ts';
import { ownAttributes } from '../domain/own-attributes.ts';
import type { Principal } from '../domain/principal.ts';
import type { RecordingRules } from '../domain/recording-rules.ts';
import { unknownClass } from '../domain/seen.ts';
import type { Target } from '../domain/target.ts';
import type { PolicySource } from '../domain/policy-source.ts';
import { Authorizer } from './authorizer.ts';
import { loadCedar, type CedarLibrary } from './cedar-library.ts';
import { circumstances, commonFields, sessionFields, valueOf, type CircumstanceField, type SessionField } from './context.ts';
import { EffectiveAccess } from './effective-access.ts';
import { jointUse } from './policy-json.ts';
import { isAboutRecord, joinMasks, masksRequest } from './mask-text.ts';
import type { AskedRecord, PolicyEngine, Question, Circumstances, RulesApart } from './policy.ts';
import { isLimiting, readPolicies, readsHistory, type Policy } from './policy-set.ts';
import { policyError, printProblem } from './policy-text.ts';
import { actionsTogether, type AccessQuestion, type ActionAccess } from './possible-access.ts';
import { RecordingPolicy } from './recording-policy.ts';
import type { Vocabulary } from './vocabulary.ts';

/** Most decisions that are kept. */
const decisionsMax = 10_000;
/** Most characters of facts in the key of a decision. For longer facts their digest is the key, so that no client fills the memory. */
const factsCharactersMax = 1000;

/** Policies without a fault, with the files that they are from. But for `findings` it is plain data. */
export interface PolicySet {
  readonly sources: readonly PolicySource[];
  readonly policies: readonly Policy[];
  /** Returns what `policy check` finds in them, each as `FILE:LINE:COLUMN: MESSAGE`. */
  readonly findings: () => readonly string[];
}

/** Reads and validates files of policies. Throws GatewayError `config_invalid` with all faults of the files. */
export function readPolicySet(cedar: CedarLibrary, sources: readonly PolicySource[], vocabulary: Vocabulary): PolicySet {
  const { policies, problems, warnings, conflicts } = readPolicies(cedar, sources, vocabulary);
  if (problems.length > 0) {
    throw policyError(problems);
  }
  let found: readonly string[] | null = null;
  const find = (): readonly string[] => [...conflicts(), ...warnings()].filter(({ source }) => source.isBuiltIn !== true).map(printProblem);
  return { sources, policies, findings: () => (found ??= find()) };
}

/** Makes the policy of grants and of files in Cedar at once. Throws GatewayError `config_invalid` with all faults of the files. */
export function cedarPolicy(grants: PolicyEngine, sources: readonly PolicySource[], vocabulary: Vocabulary): PolicyEngine {
  return new CedarPolicy(grants, readPolicySet(loadCedar(), sources, vocabulary), vocabulary);
}

interface NewestDecision {
  readonly principal: Principal;
  readonly onBehalfOf: string | null;
  readonly target: Target;
  readonly name: string;
  readonly decision: Decision;
}

/**
 * The policy of the configuration's grants and of files in Cedar. A satisfied forbid denies; if all satisfied forbids name groups that may approve, the request
 * is held; otherwise a permit is needed, of a file or of the grants. What fails while it is evaluated denies.
 */
export class CedarPolicy implements PolicyEngine {
  readonly version: string;
  readonly text: string;
  readonly obligations: readonly Obligation[];
  readonly sources: readonly PolicySource[];
  readonly texts: ReadonlyMap<string, string>;
  readonly recordingTexts: ReadonlyMap<string, string>;
  readonly deciders: ReadonlyMap<string, readonly string[]>;
  readonly findings: () => readonly string[];
  readonly limitsReadHistory: boolean;
  readonly readsHistory: boolean;
  readonly factsRead: ReadonlySet<string> | null;
  readonly #grants: PolicyEngine;
  readonly #authorizer: Authorizer;
  readonly #policies: ReadonlyMap<string, Policy>;
  readonly #fields: ReadonlyMap<string, readonly ContextField[]>;
  readonly #keys: KeyMaker;
  readonly #recordings: RecordingPolicy;
  readonly #access: EffectiveAccess;
  /** True if a policy says what the record has of a request: only facts, or no values of some classes. */
  readonly #limitsRecord: boolean;
  /** True if a policy asks which tables a session has used. */
  readonly #readsTables: boolean;
  /** True if a policy asks which values a request carries. */
  readonly #readsCarried: boolean;
  readonly #decisions = new Map<string, Decision>();
  /** The newest decision about an object of facts: a statement that is executed again has the same one, and no key is made for it. */
  readonly #newest = new WeakMap<object, NewestDecision>();

  constructor(grants: PolicyEngine, { sources, policies: all, findings }: PolicySet, vocabulary: Vocabulary) {
    const policies = all.filter(({ isAboutRecordings }) => !isAboutRecordings);
    this.#grants = grants;
    this.sources = sources;
    this.findings = findings;
    this.texts = new Map(all.map(({ id, text }) => [id, text]));
    this.recordingTexts = new Map(all.flatMap(({ id, text, isAboutRecordings }) => (isAboutRecordings ? [[id, text]] : [])));
    this.deciders = new Map(policies.map(({ id, annotated }) => [id, annotated.approval]));
    this.limitsReadHistory = policies.some((policy) => isLimiting(policy) && readsHistory(policy));
    this.#limitsRecord = policies.some(({ annotated }) => annotated.record === 'facts' || annotated.obligations.some(masksRequest));
    this.#readsTables = policies.some(({ use }) => use.session?.has('tables') ?? true);
    this.#readsCarried = policies.some(({ use }) => use.fields?.has('carries') ?? true);
    this.readsHistory = this.#readsCarried || policies.some(readsHistory);
    this.factsRead = jointUse(policies).fields;
    this.#policies = new Map(policies.map((policy) => [policy.id, policy]));
    this.#authorizer = new Authorizer(policies, vocabulary);
    this.#fields = new Map(vocabulary.protocols.map(({ id, context }) => [id, [...commonFields, ...context]]));
    this.#keys = new KeyMaker(policies, this.#fields);
    this.#access = new EffectiveAccess(policies, vocabulary);
    this.version = versionOf(grants, all);
    this.#recordings = new RecordingPolicy(
      all.filter(({ isAboutRecordings }) => isAboutRecordings),
      { vocabulary, version: this.version },
    );
    this.obligations = policies.flatMap(({ annotated }) => (annotated.isObserved ? [] : annotated.obligations));
    this.text = `${grants.text}${all.map(({ id, text }) => `\n// ${id}\n${text}\n`).join('')}`;
  }

  async prepare(): Promise<void> {
    await this.#authorizer.prepare();
    await this.#recordings.prepare();
  }

  decide(question: Question): Decision {
    const { asker, target, action } = question;
    if (asker.within?.includes(target.name) === false) {
      return { ...this.#grants.decide(question), policyVersion: this.version, obligations: this.#recorded(question) };
    }
    if (asker.history.isPending === true && this.readsHistory) {
      const reason = 'what the session did before the gateway started again is still being read from the record: try again in a moment';
      return {
        verdict: 'deny',
        policies: ['countersign'],
        policyVersion: this.version,
        reason,
        obligations: this.#recorded(question),
        answeredAs: 'catching_up',
      };
    }
    if (asker.history.isCut === true && this.#readsTables) {
      const reason = 'the session has used more tables than are remembered, and a policy asks which: go on in another session';
      return { verdict: 'deny', policies: [], policyVersion: this.version, reason, obligations: this.#recorded(question) };
    }
    if (asker.history.followed?.isCut === true && this.#readsCarried) {
      const reason =
        'the session has seen more values of data classes than are followed, and a policy asks which of them a request carries: go on in another session';
      return { verdict: 'deny', policies: [], policyVersion: this.version, reason, obligations: this.#recorded(question) };
    }
    const carries = this.#readsCarried ? action.attributes[ownAttributes.carries] : undefined;
    if (Array.isArray(carries) && carries.includes(unknownClass)) {
      const reason =
        'the request is in a form in which nobody can look for values that the session saw, or too long for that, and a policy asks which it carries: send it in parts, and without a content coding';
      return { verdict: 'deny', policies: [], policyVersion: this.version, reason, obligations: this.#recorded(question) };
    }
    if (action.isOnce === true) {
      return this.#decideByKey(question);
    }
    const newest = this.#newest.get(action.attributes);
    if (newest?.principal === asker.principal && newest.onBehalfOf === asker.onBehalfOf && newest.target === target && newest.name === action.name) {
      return newest.decision;
    }
    const decision = this.#decideByKey(question);
    if (this.#keys.isOfFactsAlone) {
      this.#newest.set(action.attributes, { principal: asker.principal, onBehalfOf: asker.onBehalfOf, target, name: action.name, decision });
    }
    return decision;
  }

  recordingRules(question: Circumstances): RecordingRules {
    return this.#recordings.rules(question);
  }

  recordingRulesApart(one: Circumstances['asker'], other: Circumstances['asker']): readonly RulesApart[] {
    return this.#recordings.rulesApart(one, other);
  }

  decideOnRecord(question: Circumstances, asked: AskedRecord): Decision {
    return this.#recordings.decide(question, asked);
  }

  obligationsOfAny(question: Pick<Question, 'asker' | 'target'>): readonly Obligation[] {
    const fitting = question.target.mode === 'observe' ? [] : this.#authorizer.fittingAnyAction(question);
    return fitting.flatMap((id) => {
      const policy = this.#policies.get(id);
      return policy === undefined || policy.annotated.isObserved ? [] : policy.annotated.obligations;
    });
  }

  async accessTo(question: AccessQuestion): Promise<readonly ActionAccess[]> {
    const granted = (await this.#grants.accessTo?.(question)) ?? [];
    const grants = granted.flatMap(({ policies }) => policies);
    const shares = await this.#access.sharesOf(question);
    return actionsTogether(new Map(Array.from(shares, ([action, own]) => [action, [...grants, ...own]])));
  }

  /** Returns what policies say about the record of a request that is denied whatever they say. */
  #recorded(question: Question): readonly Obligation[] {
    // A run's own list of targets is in no key, so its decision must not be kept under the key of others.
    const asker = { ...question.asker, within: null };
    return this.#limitsRecord ? this.#decideByKey({ ...question, asker }).obligations.filter(isAboutRecord) : [];
  }

  #decideByKey(question: Question): Decision {
    const key = this.#keys.of(question);
    const known = this.#decisions.get(key);
    if (known !== undefined) {
      return known;
    }
    const decision = this.#decide(question, this.#grants.decide(question));
    if (this.#decisions.size >= decisionsMax) {
      this.#decisions.clear();
    }
    this.#decisions.set(key, decision);
    return decision;
  }

  #decide(question: Question, granted: Decision): Decision {
    const { satisfied, failed } = this.#authorizer.ask(question, this.#fields.get(question.target.protocol) ?? commonFields);
    const policies = satisfied.flatMap((id) => this.#policies.get(id) ?? []);
    const enforced = policies.filter(({ annotated }) => !annotated.isObserved && question.target.mode !== 'observe');
    const failing = failed.filter((id) => this.#policies.get(id)?.annotated.isObserved !== true && question.target.mode !== 'observe');
    const verdict = this.#verdict(question, granted, { satisfied: enforced, failed: failing });
    const record = recordOf(
      granted,
      enforced,
      failing.flatMap((id) => this.#policies.get(id) ?? []),
    );
    const decision = record === null ? verdict : { ...verdict, obligations: [...verdict.obligations, record] };
    return enforced.length === policies.length && failing.length === failed.length
      ? decision
      : this.#observed(question, granted, { decision, satisfied: policies, failed });
  }

  /** Adds to a decision what it would be if all policies were enforced. */
  #observed(question: Question, granted: Decision, { decision, ...all }: Ruling & { readonly decision: Decision }): Decision {
    const { verdict, policies, reason } = this.#verdict(question, granted, all);
    return { ...decision, observed: { verdict, policies, reason } };
  }

  #verdict({ asker, target, action }: Question, granted: Decision, { satisfied, failed }: Ruling): Decision {
    const version = { policyVersion: this.version };
    if (failed.length > 0) {
      // The masks of a policy that failed count too: nobody knows that it does not apply.
      const masks = joinMasks([...satisfied, ...failed.flatMap((id) => this.#policies.get(id) ?? [])].flatMap(({ annotated }) => annotated.obligations));
      const reason = `the policy ${failed.join(', ')} failed on this request`;
      return { ...version, verdict: 'deny', policies: failed, reason, obligations: masks.filter(masksRequest) };
    }
    const forbids = satisfied.filter(({ effect }) => effect === 'forbid');
    const permits = satisfied.filter(({ effect }) => effect === 'permit');
    const obligations = joinMasks(satisfied.flatMap(({ annotated }) => annotated.obligations));
    const denials = forbids.filter(({ annotated }) => annotated.approval.length === 0);
    if (denials.length > 0) {
      return { ...version, verdict: 'deny', policies: idsOf(denials), reason: reasonOf(denials), obligations: ofDenied(obligations) };
    }
    const allowing = [...(granted.verdict === 'allow' ? granted.policies : []), ...idsOf(permits)];
    if (allowing.length === 0) {
      const reason = `${asker.principal.id} was not granted ${target.name}: no permit allows ${action.name} there`;
      return { ...version, verdict: 'deny', policies: [], reason, obligations: ofDenied(obligations) };
    }
    if (forbids.length > 0) {
      const groups = [...new Set(forbids.flatMap(({ annotated }) => annotated.approval))].toSorted();
      const breakGlass = [...new Set(forbids.flatMap(({ annotated }) => annotated.breakGlass ?? []))].toSorted().join(',');
      const isBreakable = forbids.every(({ annotated }) => annotated.breakGlass !== null);
      const approval: Obligation = { kind: 'approval', parameters: { groups: groups.join(','), ...(isBreakable ? { breakglass: breakGlass } : {}) } };
      return { ...version, verdict: 'hold', policies: [...idsOf(forbids), ...allowing], reason: reasonOf(forbids), obligations: [approval, ...obligations] };
    }
    return { ...version, verdict: 'allow', policies: allowing, reason: `allowed by ${allowing.join(', ')}`, obligations };
  }
}

/** The policies that apply to a request, and those that failed on it. */
interface Ruling {
  readonly satisfied: readonly Policy[];
  readonly failed: readonly string[];
}

/** Makes the keys under which decisions are kept: two requests with one key get the same decision from every policy of the set. */
class KeyMaker {
  /** True if no policy looks at circumstances or at the session: then a decision follows from who asks and the facts of the request. */
  readonly isOfFactsAlone: boolean;
  /** By protocol, the facts at which some policy may look. */
  readonly #fields: ReadonlyMap<string, readonly ContextField[]>;
  readonly #commonFields: readonly ContextField[];
  readonly #circumstances: readonly CircumstanceField[];
  readonly #session: readonly SessionField[];
  /** Keys of the facts of requests, by the object that holds them: a statement that is executed again has the same one. */
  readonly #facts = new WeakMap<object, string>();

  /** Keys of the principals: that of a channel is the same object until the configuration changes. */
  readonly #principals = new WeakMap<Principal, string>();

  constructor(policies: readonly Policy[], protocolFields: ReadonlyMap<string, readonly ContextField[]>) {
    const { fields, session } = jointUse(policies);
    const isUsed = ({ name }: { readonly name: string }): boolean => fields?.has(name) ?? true;
    this.#fields = new Map([...protocolFields].map(([protocol, all]) => [protocol, all.filter(isUsed)]));
    this.#commonFields = commonFields.filter(isUsed);
    this.#circumstances = circumstances.filter(isUsed);
    this.#session = sessionFields.filter(({ name }) => session?.has(name) ?? true);
    this.isOfFactsAlone = this.#session.length + this.#circumstances.length === 0;
  }

  of(question: Question): string {
    const { asker, target, action } = question;
    const whose = `${this.#whose(asker.principal)}\0${asker.onBehalfOf ?? ''}\0${target.name}\0${action.name}\0${this.#factsKey(action, target.protocol)}`;
    return this.isOfFactsAlone ? whose : `${whose}\0${this.#circumstances.map(({ of }) => of(question)).join('\0')}\0${this.#sessionKey(question)}`;
  }

  /** Returns the key of a principal: two tokens of an issuer may name one principal with other groups. */
  #whose(principal: Principal): string {
    const known = this.#principals.get(principal);
    if (known !== undefined) {
      return known;
    }
    const key = JSON.stringify([principal.id, principal.kind, principal.groups]);
    this.#principals.set(principal, key);
    return key;
  }

  #factsKey(action: Action, protocol: string): string {
    if (action.isOnce === true) {
      return this.#printFacts(action, protocol);
    }
    const known = this.#facts.get(action.attributes);
    if (known !== undefined) {
      return known;
    }
    const key = this.#printFacts(action, protocol);
    this.#facts.set(action.attributes, key);
    return key;
  }

  #printFacts(action: Action, protocol: string): string {
    const facts = JSON.stringify((this.#fields.get(protocol) ?? this.#commonFields).map((field) => valueOf(field, action)));
    return facts.length > factsCharactersMax ? hash('sha256', facts) : facts;
  }

  #sessionKey({ asker: { history } }: Question): string {
    const used = this.#session.map(({ name }) => history[name]);
    return JSON.stringify(used.map((value) => (typeof value === 'number' ? value : [...value])));
  }
}

function idsOf(policies: readonly Policy[]): string[] {
  return policies.map(({ id }) => id);
}

function reasonOf(policies: readonly Policy[]): string {
  const reasons = policies.flatMap(({ annotated }) => annotated.reason ?? []);
  return reasons.length > 0 ? [...new Set(reasons)].join(' ') : `forbidden by ${idsOf(policies).join(', ')}`;
}

/**
 * Returns the obligation to keep only the facts of a request, if all permits that apply to it say so; null if its content is kept. A grant of the configuration is a
 * permit that keeps it. A permit with `@record("facts")` that fails counts too: the request is denied, and nothing may be recorded that the permit wants kept out.
 */
function recordOf(granted: Decision, satisfied: readonly Policy[], failed: readonly Policy[]): Obligation | null {
  const keepsFacts = ({ annotated }: Policy): boolean => annotated.record === 'facts';
  const isFuller = granted.verdict === 'allow' || satisfied.some((policy) => policy.effect === 'permit' && !keepsFacts(policy));
  const policies = [...satisfied, ...failed].filter(keepsFacts);
  return isFuller || policies.length === 0 ? null : { kind: recordKind, parameters: { keep: 'facts', policy: idsOf(policies).toSorted().join(',') } };
}

/** Returns the obligations that count for a request that is denied: it has its alerts, and the record of it has no value that policy masks. */
function ofDenied(obligations: readonly Obligation[]): readonly Obligation[] {
  return obligations.filter((each) => each.kind === 'alert' || masksRequest(each));
}

function versionOf(grants: PolicyEngine, policies: readonly Policy[]): string {
  return createHash('sha256')
    .update(JSON.stringify([grants.version, ...policies.map(({ id, text }) => [id, text])]))
    .digest('hex')
    .slice(0, 16);
}
