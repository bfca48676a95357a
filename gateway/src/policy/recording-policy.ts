import type { Decision } from '../domain/decision.ts';
import { actNames, actsOnAll, type Act } from '../domain/recording-acts.ts';
import type { ActRule, Extent, Names, Reach, RecordingRules } from '../domain/recording-rules.ts';
import { Authorizer, circumstanceValue, principalEntity, targetEntity, type Call, type Satisfied } from './authorizer.ts';
import { jointUse, nameOf } from './policy-json.ts';
import type { AskedRecord, Circumstances, RulesApart } from './policy.ts';
import type { Policy } from './policy-set.ts';
import { gatewayName, recordingAction, recordingCircumstances, recordingGroup, resourceTypesOf, type ResourceType } from './recordings.ts';
import { tagNames, type Vocabulary } from './vocabulary.ts';

/** Most askers whose rules are kept. */
const keptMax = 1000;

type Entity = Call['entities'][number];

type Asker = Circumstances['asker'];

/** Says of a policy whether it applies where its scope fits. Null: its conditions say that. */
type Assume = (policy: Policy) => boolean | null;

interface Assuming extends Circumstances {
  readonly assume?: Assume;
}

/** One act with the records that have one resource. */
interface Asked {
  readonly act: Act;
  readonly resource: Entity;
  /** True for the records that who asks made. */
  readonly own: boolean;
}

/** An act that is asked about with all records, and what is collected meanwhile. */
interface Collected extends Omit<Asked, 'resource'> {
  readonly applied: Map<string, Policy>;
  readonly answers: Map<string, Applying>;
}

/** The policies that apply to an act with some records. One that forbids and fails applies too, and one that permits and fails does not. */
interface Applying {
  readonly permits: readonly Policy[];
  readonly forbids: readonly Policy[];
}

/**
 * The policies about recordings. It asks Cedar about each act and each resource that policies can tell apart, and keeps the answers: they are the same as long as the
 * policies, the targets, the groups of who asks and the circumstances are, and every change of the configuration makes a new one of these.
 */
export class RecordingPolicy {
  readonly #authorizer: Authorizer;
  readonly #policies: ReadonlyMap<string, Policy>;
  readonly #version: string;
  readonly #tags: readonly string[];
  readonly #targets: Vocabulary['targets'];
  /** Names of resources that policies name, by their type. */
  readonly #named: Readonly<Record<'Target' | 'Class', readonly string[]>>;
  readonly #circumstances: typeof recordingCircumstances;
  readonly #readsOwn: boolean;
  readonly #kept = new Map<string, RecordingRules>();

  constructor(policies: readonly Policy[], { vocabulary, version }: { readonly vocabulary: Vocabulary; readonly version: string }) {
    const { fields } = jointUse(policies);
    this.#authorizer = new Authorizer(policies, vocabulary);
    this.#policies = new Map(policies.map((policy) => [policy.id, policy]));
    this.#version = version;
    this.#tags = tagNames(vocabulary.targets);
    this.#targets = vocabulary.targets;
    const named = (type: 'Target' | 'Class'): readonly string[] => [...new Set(policies.flatMap(({ resources }) => resources[type]))];
    this.#named = { Target: named('Target'), Class: named('Class') };
    this.#circumstances = recordingCircumstances.filter(({ name }) => fields?.has(name) ?? true);
    this.#readsOwn = fields?.has('own') ?? true;
  }

  /** Loads Cedar, so that nobody who asks waits for that. */
  async prepare(): Promise<void> {
    await this.#authorizer.prepare();
  }

  /** Returns what the policies say of all acts for one who asks. It is the same object as long as nothing changes. */
  rules(question: Circumstances): RecordingRules {
    const { principal, onBehalfOf } = question.asker;
    const key = JSON.stringify([principal.id, principal.kind, principal.groups, onBehalfOf, ...this.#circumstances.map(({ of }) => of(question))]);
    const known = this.#kept.get(key);
    if (known !== undefined) {
      return known;
    }
    if (this.#kept.size >= keptMax) {
      this.#kept.clear();
    }
    const found = this.#answer(question);
    this.#kept.set(key, found);
    return found;
  }

  #answer(question: Assuming): RecordingRules {
    const answers = new Map<string, Applying>();
    const rules = this.#policies.size === 0 ? [] : actNames.flatMap((act) => this.#ruleOf(question, act, answers) ?? []);
    return { rules, policyVersion: this.#version };
  }

  /**
   * Returns the rules of two who ask where they are furthest apart, whatever the time is and wherever they ask: if in each pair the other may do all that the one may,
   * it always may. A policy that says the same to both at any time and address applies to both or to neither; of the others that look at these, those apply that give
   * something to the one or take it from the other.
   */
  rulesApart(one: Asker, other: Asker): readonly RulesApart[] {
    const names = [one, other].map((asker) => scopeNamesOf(asker));
    const isVarying = ({ use: { fields } }: Policy): boolean => recordingCircumstances.some(({ name }) => fields?.has(name) ?? true);
    const isCommon = ({ scope: { principal }, looksAtPrincipal, use: { fields } }: Policy): boolean =>
      !looksAtPrincipal && fields?.has('own') === false && names.every((each) => principal?.some((name) => each.includes(name)) ?? true);
    return [true, false].map((isPermitted) => {
      const rules = (asker: Asker, favoured: Policy['effect']): RecordingRules =>
        this.#answer({
          asker,
          timeMs: 0,
          assume: (policy) => (!isVarying(policy) ? null : isCommon(policy) ? policy.effect === 'permit' && isPermitted : policy.effect === favoured),
        });
      return { one: rules(one, 'permit'), other: rules(other, 'forbid') };
    });
  }

  /** Decides about one record as all rules together do. */
  decide(question: Circumstances, { act, target, classes, own, allowing }: AskedRecord): Decision {
    const place = target === null ? this.#entityOf('Gateway', gatewayName) : this.#entityOf('Target', target);
    const applying = [place, ...classes.map((name) => this.#entityOf('Class', name))].map((resource) => this.#apply(question, { act, own, resource }));
    const forbids = [...new Set(applying.flatMap((each) => each.forbids))];
    const allowed = [...allowing, ...(applying[0]?.permits ?? []).map(({ id }) => id)];
    const { policies, reason } =
      forbids.length > 0
        ? { policies: forbids.map(({ id }) => id), reason: reasonsOf(forbids) ?? `forbidden by ${forbids.map(({ id }) => id).join(', ')}` }
        : { policies: allowed, reason: allowed.length > 0 ? `allowed by ${allowed.join(', ')}` : 'no role and no permit allows it' };
    return { verdict: forbids.length === 0 && allowed.length > 0 ? 'allow' : 'deny', policies, reason, policyVersion: this.#version, obligations: [] };
  }

  #ruleOf(question: Assuming, act: Act, answers: Map<string, Applying>): ActRule | null {
    const applied = new Map<string, Policy>();
    const others = this.#extents(question, { act, own: false, applied, answers });
    // An act for the whole gateway is done for everybody.
    const own = this.#readsOwn && !actsOnAll.has(act) ? this.#extents(question, { act, own: true, applied, answers }) : others;
    const reach = (effect: Policy['effect']): Reach => ({ own: own[effect], others: others[effect] });
    const policies = [...applied.values()];
    return policies.length === 0
      ? null
      : {
          act,
          permitted: reach('permit'),
          forbidden: reach('forbid'),
          policies: policies.map(({ id }) => id).toSorted(),
          reason: reasonsOf(policies.filter(({ effect }) => effect === 'forbid')),
        };
  }

  /** Finds the records with which an act is permitted and forbidden, and adds the policies that say so to `applied`, and what Cedar answers to `answers`. */
  #extents(question: Assuming, { act, own, applied, answers }: Collected): Readonly<Record<Policy['effect'], Extent>> {
    const types = resourceTypesOf(act);
    const ask = (type: ResourceType, id: string): Applying => {
      const asked = { act, own, resource: this.#entityOf(type, id) };
      const key = this.#keyOf(question, asked);
      const found = answers.get(key) ?? this.#apply(question, asked);
      answers.set(key, found);
      [...found.permits, ...found.forbids].forEach((policy) => applied.set(policy.id, policy));
      return found;
    };
    const askAll = (type: 'Target' | 'Class', ids: readonly string[]): Spread => ({
      ofNames: [...new Set([...ids, ...this.#named[type]])].map((id) => [id, ask(type, id)]),
      ofOthers: ask(type, ''),
    });
    const gateway = types.includes('Gateway') ? ask('Gateway', gatewayName) : null;
    const targets = types.includes('Target')
      ? askAll(
          'Target',
          this.#targets.map(({ name }) => name),
        )
      : everywhere(gateway);
    const classes = types.includes('Class') ? askAll('Class', []) : everywhere(null);
    const extent = (effect: 'permits' | 'forbids'): Extent => ({
      targets: namesOf(targets, effect),
      // A permit is for targets. Otherwise a value in a record would open it.
      classes: effect === 'permits' ? { isAllBut: false, names: [] } : namesOf(classes, effect),
      gateway: (gateway ?? targets.ofOthers)[effect].length > 0,
    });
    return { permit: extent('permits'), forbid: extent('forbids') };
  }

  /** Returns the key of a question: questions with one key have one answer. Policies cannot tell apart what they do not name or look at. */
  #keyOf(question: Circumstances, asked: Asked): string {
    const { type, id } = asked.resource.uid;
    const fitting = this.#authorizer.fittingCall(this.#callOf(question, asked));
    const isNamed = (type === 'Target' || type === 'Class') && this.#named[type].includes(id);
    return JSON.stringify([
      fitting.map((policy) => policy.id),
      fitting.some(({ looksAtAction }) => looksAtAction) ? asked.act : '',
      fitting.some(({ use }) => use.fields?.has('own') ?? true) && asked.own,
      fitting.length === 0 ? [] : [type, isNamed ? id : '', asked.resource.attrs],
    ]);
  }

  #apply(question: Assuming, asked: Asked): Applying {
    const { satisfied, failed }: Satisfied = this.#authorizer.askCall(() => this.#callOf(question, asked));
    const found = (ids: readonly string[], effect: Policy['effect']): readonly Policy[] =>
      ids.flatMap((id) => this.#policies.get(id) ?? []).filter((policy) => policy.effect === effect);
    const applying = { permits: found(satisfied, 'permit'), forbids: found([...satisfied, ...failed], 'forbid') };
    return question.assume === undefined ? applying : this.#assumed(applying, question.assume, this.#callOf(question, asked));
  }

  /** Returns the policies that apply if some do, and others do not, whatever Cedar says of them. */
  #assumed({ permits, forbids }: Applying, assume: Assume, call: Call): Applying {
    const assumed = this.#authorizer.fittingCall(call).filter((policy) => assume(policy) === true);
    const of = (effect: Policy['effect'], asked: readonly Policy[]): readonly Policy[] => [
      ...asked.filter((policy) => assume(policy) === null),
      ...assumed.filter((policy) => policy.effect === effect),
    ];
    return { permits: of('permit', permits), forbids: of('forbid', forbids) };
  }

  /** Makes the entity of a resource. That of a target that is not configured has neither protocol nor tags: a policy that looks at them fails on it. */
  #entityOf(type: ResourceType, id: string): Entity {
    const target = type === 'Target' ? this.#targets.find(({ name }) => name === id) : undefined;
    return target === undefined ? { uid: { type, id }, attrs: {}, parents: [] } : targetEntity(target, this.#tags);
  }

  #callOf(question: Circumstances, { act, own, resource }: Asked): Call {
    const who = principalEntity(question.asker);
    const done = { uid: { type: 'Action', id: recordingAction(act) }, attrs: {}, parents: [{ type: 'Action', id: recordingGroup }] };
    const around = this.#circumstances.map(({ name, type, of }) => [name, circumstanceValue(type, of(question))] as const);
    return {
      principal: who.uid,
      action: done.uid,
      resource: resource.uid,
      context: { own, ...Object.fromEntries(around) },
      entities: [who, resource, done],
      validateRequest: false,
    };
  }
}

/** Returns the names of the entities of which the scope of a policy may name one that fits who asks. */
function scopeNamesOf(asker: Asker): readonly string[] {
  const { uid, parents } = principalEntity(asker);
  return [uid, ...parents].map(nameOf);
}

function reasonsOf(policies: readonly Policy[]): string | null {
  const reasons = new Set(policies.flatMap(({ annotated }) => annotated.reason ?? []));
  return reasons.size === 0 ? null : [...reasons].join(' ');
}

/** The policies that apply to each of some names, and to all others. */
interface Spread {
  readonly ofNames: readonly (readonly [string, Applying])[];
  readonly ofOthers: Applying;
}

function everywhere(applying: Applying | null): Spread {
  return { ofNames: [], ofOthers: applying ?? { permits: [], forbids: [] } };
}

function namesOf({ ofNames, ofOthers }: Spread, effect: keyof Applying): Names {
  const isAllBut = ofOthers[effect].length > 0;
  return { isAllBut, names: ofNames.flatMap(([name, applying]) => (applying[effect].length > 0 === isAllBut ? [] : [name])) };
}
