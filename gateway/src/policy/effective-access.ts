import { circumstances, commonFields, sessionFields } from './context.ts';
import { nameOf } from './policy-json.ts';
import { PartialEvaluator, type Applicability } from './partial-evaluation.ts';
import { isLimiting, type Policy } from './policy-set.ts';
import type { AccessQuestion, PolicyShare } from './possible-access.ts';
import { tagNames, type Vocabulary } from './vocabulary.ts';

/** Most answers that are kept. */
const knownMax = 256;

const always: Applicability = { applies: 'always', when: null, mayFail: false };

/** Finds which policies have a say in the actions of somebody at a target, whatever the requests are. */
export class EffectiveAccess {
  readonly #policies: readonly Policy[];
  readonly #evaluator = new PartialEvaluator();
  readonly #fields: ReadonlyMap<string, readonly string[]>;
  readonly #tags: readonly string[];
  /** The names in scopes of the principals that the configuration names one by one. */
  readonly #configured: ReadonlySet<string>;
  /** The ids of the principals that policies name. Of all others only the kind and the groups matter. */
  readonly #named: ReadonlySet<string>;
  readonly #known = new Map<string, ReadonlyMap<string, readonly PolicyShare[]>>();

  /** `policies` are about acts at targets, in the order of the set. */
  constructor(policies: readonly Policy[], { protocols, targets, principals }: Vocabulary) {
    this.#policies = policies.filter(({ annotated }) => !annotated.isObserved);
    const names = (fields: readonly { readonly name: string }[]): readonly string[] => fields.map(({ name }) => name);
    this.#fields = new Map(protocols.map(({ id, context }) => [id, names([...commonFields, ...context, ...circumstances])]));
    this.#tags = tagNames(targets);
    this.#named = new Set(policies.flatMap((policy) => policy.principals));
    this.#configured = new Set(principals.map(({ id }) => nameOf({ type: 'Principal', id })));
  }

  /** Returns the policies that have a say, by action. Rejects with an Error if Cedar cannot evaluate them. */
  async sharesOf(question: AccessQuestion): Promise<ReadonlyMap<string, readonly PolicyShare[]>> {
    const {
      asker: { id, kind, groups },
      target: { name, protocol, tags, mode },
      actions,
    } = question;
    const key = JSON.stringify([id === null || this.#named.has(id) ? id : '', kind, groups, name, protocol, tags, mode, actions]);
    const known = this.#known.get(key);
    if (known !== undefined) {
      return known;
    }
    const shares = await this.#sharesOf(question);
    if (this.#known.size >= knownMax) {
      this.#known.clear();
    }
    this.#known.set(key, shares);
    return shares;
  }

  async #sharesOf({ asker, target, actions }: AccessQuestion): Promise<ReadonlyMap<string, readonly PolicyShare[]>> {
    const place = {
      asker,
      target,
      fields: this.#fields.get(target.protocol) ?? [],
      sessionFields: sessionFields.map(({ name }) => name),
      tags: this.#tags,
    };
    const here = target.mode === 'observe' ? new Map<Policy, boolean>() : this.#fitting(asker, target);
    const isAbout = ({ scope }: Policy, action: string): boolean => namesAny(scope.action, actionNamesOf(action, target.protocol));
    const fitting = new Map(actions.map((action) => [action, [...here.keys()].filter((policy) => isAbout(policy, action))]));
    // Most policies say the same of all actions that they are about.
    const [some = ''] = actions;
    const asked = new Set([...fitting.values()].flat());
    const ofAny = await this.#evaluator.evaluate(
      [...asked].filter(({ looksAtAction }) => !looksAtAction),
      { ...place, action: some },
    );
    const shares = new Map<string, readonly PolicyShare[]>();
    for (const [action, policies] of fitting) {
      const ofThis = await this.#evaluator.evaluate(
        policies.filter(({ looksAtAction }) => looksAtAction),
        { ...place, action },
      );
      shares.set(
        action,
        policies.flatMap((policy) => shareOf(policy, here.get(policy) === true, ofThis.get(policy.id) ?? ofAny.get(policy.id) ?? always)),
      );
    }
    return shares;
  }

  /** Returns the policies whose scope fits somebody and a target, in their order; with true those that name one of the people of whom only the groups are known. */
  #fitting(asker: AccessQuestion['asker'], target: AccessQuestion['target']): ReadonlyMap<Policy, boolean> {
    const who = [...(asker.id === null ? [] : [{ type: 'Principal', id: asker.id }]), ...asker.groups.map((id) => ({ type: 'Group', id }))].map(nameOf);
    const where = [nameOf({ type: 'Target', id: target.name })];
    const isOfSome = ({ scope }: Policy): boolean =>
      asker.id === null && scope.principal?.some((each) => each.startsWith('Principal ') && !this.#configured.has(each)) === true;
    return new Map(
      this.#policies.flatMap((policy) => {
        const isOfAll = namesAny(policy.scope.principal, who);
        return namesAny(policy.scope.resource, where) && (isOfAll || isOfSome(policy)) ? [[policy, !isOfAll] as const] : [];
      }),
    );
  }
}

/** True if a scope names one of these entities, or none at all. */
function namesAny(wanted: readonly string[] | null, names: readonly string[]): boolean {
  return wanted?.some((each) => names.includes(each)) ?? true;
}

function actionNamesOf(action: string, protocol: string): readonly string[] {
  return [action, protocol].map((id) => nameOf({ type: 'Action', id }));
}

function shareOf(policy: Policy, isOfSome: boolean, { applies, when, mayFail }: Applicability): readonly PolicyShare[] {
  if (applies === 'never') {
    return [];
  }
  const named = isOfSome ? (policy.scope.principal ?? []).map((each) => `principal == Principal::${JSON.stringify(each.slice(each.indexOf(' ') + 1))}`) : [];
  const conditions = [...named, ...(when === null ? [] : [isOfSome ? `(${when})` : when])];
  return [
    {
      policy: policy.id,
      effect: policy.effect,
      applies: isOfSome ? 'sometimes' : applies,
      when: conditions.length === 0 ? null : conditions.join(' && '),
      approval: policy.annotated.approval,
      isLimiting: isLimiting(policy),
      mayFail,
    },
  ];
}
