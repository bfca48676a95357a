import type { EntityJson, StatefulAuthorizationCall } from '@cedar-policy/cedar-wasm/nodejs';
import type { ContextField } from '../domain/context-field.ts';
import { loadCedar, type CedarLibrary } from './cedar-library.ts';
import { cedarSchema } from './cedar-schema.ts';
import { circumstances, sessionFields, valueOf } from './context.ts';
import type { Policy } from './policy-set.ts';
import type { Question } from './policy.ts';
import { actionNames, tagNames, unknownActionName, type Vocabulary } from './vocabulary.ts';

const schemaName = 'schema';
/** Cedar tells only the policies that decided, and a satisfied forbid hides the permits. So each kind is asked by itself. */
const kinds = ['forbid', 'permit'] as const;

/** The ids of the policies that apply to a request, and of those whose condition could not be evaluated. */
export interface Satisfied {
  readonly satisfied: readonly string[];
  readonly failed: readonly string[];
}

/** Asks Cedar which policies apply. Not even an exception in Cedar makes it forget one: then all count as failed, and Cedar is loaded anew. */
export class Authorizer {
  readonly #policies: readonly Policy[];
  readonly #schema: Readonly<Record<string, unknown>>;
  readonly #actions: ReadonlySet<string>;
  readonly #tags: readonly string[];
  #cedar: CedarLibrary | null;

  constructor(cedar: CedarLibrary, policies: readonly Policy[], vocabulary: Vocabulary) {
    this.#policies = policies;
    this.#schema = cedarSchema(vocabulary);
    this.#actions = new Set(vocabulary.protocols.flatMap(actionNames));
    this.#tags = tagNames(vocabulary.targets);
    this.#cedar = this.#prepare(cedar);
  }

  ask(question: Question, fields: readonly ContextField[]): Satisfied {
    try {
      this.#cedar ??= this.#prepare(loadCedar());
      const cedar = this.#cedar;
      const call = this.#callOf(question, fields);
      const answers = kinds.flatMap((kind) =>
        this.#policies.some(({ effect }) => effect === kind) ? [cedar.statefulIsAuthorized({ ...call, preparsedPolicySetId: kind })] : [],
      );
      const responses = answers.flatMap((answer) => (answer.type === 'success' ? [answer.response.diagnostics] : []));
      if (responses.length === answers.length) {
        return { satisfied: responses.flatMap(({ reason }) => reason), failed: responses.flatMap(({ errors }) => errors.map(({ policyId }) => policyId)) };
      }
    } catch {
      // An instance that threw may be unusable from now on.
      this.#cedar = null;
    }
    return { satisfied: [], failed: this.#policies.map(({ id }) => id) };
  }

  /** Has Cedar keep the policies. Throws if it does not accept them. */
  #prepare(cedar: CedarLibrary): CedarLibrary {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the library checks the schema itself, and says what is wrong with it
    const answers = [cedar.preparseSchema(schemaName, this.#schema as Parameters<CedarLibrary['preparseSchema']>[1])];
    for (const kind of kinds) {
      const texts = this.#policies.flatMap(({ id, effect, text }) => (effect === kind ? [[id, text] as const] : []));
      answers.push(cedar.preparsePolicySet(kind, { staticPolicies: Object.fromEntries(texts) }));
    }
    const failure = answers.find((answer) => answer.type === 'failure');
    if (failure?.type === 'failure') {
      throw new Error(`Cedar does not accept what it accepted before: ${failure.errors[0]?.message ?? ''}`);
    }
    return cedar;
  }

  #callOf(question: Question, fields: readonly ContextField[]): Omit<StatefulAuthorizationCall, 'preparsedPolicySetId'> {
    const { asker, target, action } = question;
    const { principal, onBehalfOf, history } = asker;
    const name = this.#actions.has(action.name) ? action.name : unknownActionName(target.protocol);
    const facts = fields.map((field) => [field.name, wellFormed(valueOf(field, action))] as const);
    const around = circumstances.map(({ name: field, type, of }) => {
      const value = of(question);
      return [field, type === 'address' ? { __extn: { fn: 'ip', arg: String(value) } } : value] as const;
    });
    const session = sessionFields.map(({ name: field }) => {
      const value = history[field];
      return [field, typeof value === 'number' ? value : [...value]] as const;
    });
    const who: EntityJson = {
      uid: { type: 'Principal', id: principal.id },
      attrs: { kind: principal.kind, groups: [...principal.groups], onBehalfOf: onBehalfOf ?? '' },
      parents: principal.groups.map((id) => ({ type: 'Group', id })),
    };
    const tags = this.#tags.map((tag) => [tag, target.tags?.[tag] ?? ''] as const);
    const what: EntityJson = { uid: { type: 'Target', id: target.name }, attrs: { protocol: target.protocol, ...Object.fromEntries(tags) }, parents: [] };
    return {
      principal: { type: 'Principal', id: principal.id },
      action: { type: 'Action', id: name },
      resource: { type: 'Target', id: target.name },
      context: { ...Object.fromEntries([...facts, ...around]), session: Object.fromEntries(session) },
      entities: [who, what],
      preparsedSchemaName: schemaName,
      validateRequest: false,
    };
  }
}

/** Cedar refuses a text with half of a surrogate pair. */
function wellFormed(value: string | number | boolean | readonly string[]): string | number | boolean | string[] {
  return typeof value === 'string' ? value.toWellFormed() : typeof value === 'object' ? value.map((text) => text.toWellFormed()) : value;
}
