import { readLimit } from '../domain/usage.ts';
import type { Obligation } from '../domain/decision.ts';
import { ownAttributes } from '../domain/own-attributes.ts';
import { LiveHistory } from '../domain/session-history.ts';
import type { Target } from '../domain/target.ts';
import type { LimitPolicies, LimitRules, RecordedRequest } from '../feed/recorded-usage.ts';
import { readAnnotations } from '../policy/annotations.ts';
import { Authorizer } from '../policy/authorizer.ts';
import { loadCedar } from '../policy/cedar-library.ts';
import { commonFields } from '../policy/context.ts';
import type { Question } from '../policy/policy.ts';
import { isLimiting, readPolicies, readsHistory, type Policy } from '../policy/policy-set.ts';
import { splitPolicies } from '../policy/policy-text.ts';
import { gonePrincipal } from './policy-trial.ts';
import { findProtocol, protocols } from '../protocols/registry.ts';

/** Decides by the policies in force which limits a request is under that was recorded before they were in force. */
export class RecordedLimits implements LimitRules {
  readonly #cedar = loadCedar();
  readonly #policies: ReadonlyMap<string, Policy>;
  readonly #authorizer: Authorizer;
  readonly #targets: ReadonlyMap<string, Target>;
  readonly #principals: LimitPolicies['principals'];

  constructor({ sources, targets, principals }: LimitPolicies) {
    // The policies are in force, so their classes need not be looked up.
    const vocabulary = { protocols, targets, principals, classes: [] };
    const limiting = readPolicies(this.#cedar, sources, vocabulary).policies.filter(isLimiting);
    this.#policies = new Map(limiting.map((policy) => [policy.id, policy]));
    this.#authorizer = new Authorizer(limiting, vocabulary);
    this.#targets = new Map(targets.map((target) => [target.name, { ...target, user: '', durability: 'disk' }]));
    this.#principals = principals;
  }

  limitsOf(request: RecordedRequest): readonly Obligation[] {
    const target = this.#targets.get(request.target);
    if (target === undefined || target.mode === 'observe') {
      return [];
    }
    const question = this.#questionOf(request, target);
    const { satisfied, failed } = this.#authorizer.ask(question, findProtocol(target.protocol)?.context.concat(commonFields) ?? commonFields);
    const unknown = this.#authorizer.fitting(question).filter((id) => this.#isUnknown(id, request, target));
    const applying = [...new Set([...satisfied, ...failed, ...unknown])].flatMap((id) => this.#policies.get(id) ?? []);
    return applying.flatMap(({ annotated }) => annotated.obligations.filter(({ kind }) => kind === 'limit'));
  }

  namesIn(text: string): ReadonlySet<string> {
    const { policies } = splitPolicies({ file: '', path: '', text });
    const limits = policies.flatMap(({ text: written, offset }) => {
      // The recorded text of a set has the id of each policy of a file in a comment before it.
      const policy = text.slice(text.lastIndexOf('// ', offset) + 3, offset).trim();
      const answer = this.#cedar.policyToJson(written);
      const annotated = answer.type === 'success' ? readAnnotations(answer.json.annotations ?? {}, answer.json.effect) : null;
      const obligations = annotated === null || 'message' in annotated || annotated.isObserved ? [] : annotated.obligations;
      return obligations.flatMap(({ kind, parameters }) => readLimit({ kind, parameters: { ...parameters, policy } }) ?? []);
    });
    return new Set(limits.map(({ name }) => name));
  }

  #questionOf(
    { principal, principalKind, groups, onBehalfOf, clientAddress, session, run, timeMs, action, attributes, history }: RecordedRequest,
    target: Target,
  ): Question {
    return {
      asker: {
        principal: this.#principals.find(({ id }) => id === principal) ?? gonePrincipal(principal, groups, principalKind),
        onBehalfOf: onBehalfOf ?? null,
        run,
        within: null,
        session,
        address: clientAddress,
        history: history ?? new LiveHistory(),
      },
      target,
      action: { name: action, attributes },
      timeMs,
    };
  }

  /** True if a policy asks for something that is not, or not whole, on record. */
  #isUnknown(id: string, { attributes, isFactsOnly, history }: RecordedRequest, { protocol }: Target): boolean {
    const policy = this.#policies.get(id);
    const fields = policy?.use.fields ?? null;
    const looksAtContent = findProtocol(protocol)?.context.some(({ name, isContent = false }) => isContent && fields?.has(name) !== false) === true;
    const looksAtHistory = policy !== undefined && readsHistory(policy);
    return attributes[ownAttributes.cut] !== undefined || (isFactsOnly && looksAtContent) || (history?.isCut === true && looksAtHistory);
  }
}
