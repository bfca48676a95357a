import { setImmediate as nextTurn } from 'node:timers/promises';
import type { EntityJson, StatefulAuthorizationCall } from '@cedar-policy/cedar-wasm/nodejs';
import type { Action } from '../domain/action.ts';
import type { ContextField } from '../domain/context-field.ts';
import { loadCedar, type CedarLibrary } from './cedar-library.ts';
import { circumstances, namedValues, sessionFields, valueOf } from './context.ts';
import { jointUse, nameOf, type ContextUse } from './policy-json.ts';
import type { Policy } from './policy-set.ts';
import type { Question } from './policy.ts';
import { actionNames, tagNames, unknownActionName, type PolicyTarget, type Vocabulary } from './vocabulary.ts';

/** Cedar tells only the policies that decided, and a satisfied forbid hides the permits. So each kind is asked by itself. */
const kinds = ['forbid', 'permit'] as const;
/** Most sets of policies that an instance of Cedar keeps beside that of all policies: one for each group of requests to which the same policies may apply. */
const setsMax = 256;
/**
 * Most characters of policies that Cedar reads for one request: it takes 0.7 µs for each. Of the policies of a kind, more than these are asked in blocks of about
 * this length, which are read beforehand.
 */
const promptCharactersMax = 12 * 1024;

/** The ids of the policies that apply to a request, and of those whose condition could not be evaluated, in the order of the set. */
export interface Satisfied {
  readonly satisfied: readonly string[];
  readonly failed: readonly string[];
}

/** An instance of Cedar, with the names by which it keeps sets of policies, each by the ids of its policies, and the blocks that it keeps under their own names. */
interface Prepared {
  readonly cedar: CedarLibrary;
  readonly sets: Map<string, string>;
  readonly blocks: Set<Block>;
}

/** Policies of one kind that stand together in the set. */
interface Block {
  readonly name: string;
  readonly policies: readonly Policy[];
}

/**
 * Asks Cedar which policies apply. It gets only the policies whose scope fits the request, and only the facts at which some policy looks: reading both is most of
 * its work. If many policies fit, it is asked about the blocks in which they are, since to read so many anew would take too long. Not even an exception in Cedar makes it
 * forget a policy: then all count as failed, and Cedar is loaded anew. Its instance of Cedar is used by nobody else, who could keep other policies under the same name.
 */
export class Authorizer {
  readonly #policies: readonly Policy[];
  readonly #use: ContextUse;
  readonly #actions: ReadonlyMap<string, string>;
  readonly #tags: readonly string[];
  readonly #blocks: Readonly<Record<Policy['effect'], readonly Block[]>>;
  /** Null until Cedar is needed. */
  #prepared: Prepared | null = null;

  constructor(policies: readonly Policy[], vocabulary: Vocabulary) {
    this.#policies = policies;
    this.#use = jointUse(policies);
    this.#actions = new Map(vocabulary.protocols.flatMap((protocol) => actionNames(protocol).map((name) => [name, protocol.id])));
    this.#tags = tagNames(vocabulary.targets);
    this.#blocks = { forbid: blocksOf('forbid', policies), permit: blocksOf('permit', policies) };
  }

  /** Loads Cedar and has it read the blocks, each in a turn of the event loop of its own. A request that needs one before that has it read at once. */
  async prepare(): Promise<void> {
    if (this.#policies.length === 0) {
      return;
    }
    this.#prepared ??= newlyPrepared();
    await nextTurn();
    for (const block of kinds.flatMap((kind) => (this.#blocks[kind].length > 1 ? this.#blocks[kind] : []))) {
      keepBlock((this.#prepared ??= newlyPrepared()), block);
      await nextTurn();
    }
  }

  ask(question: Question, fields: readonly ContextField[]): Satisfied {
    return this.askCall(() => this.#callOf(question, fields));
  }

  /** Asks a question in Cedar's words. */
  askCall(makeCall: () => Call): Satisfied {
    try {
      const call = makeCall();
      const fitting = this.fittingCall(call);
      if (fitting.length === 0) {
        return { satisfied: [], failed: [] };
      }
      const prepared = (this.#prepared ??= newlyPrepared());
      const answers = kinds.flatMap((kind) => {
        const names = this.#setsOf(
          prepared,
          kind,
          fitting.filter(({ effect }) => effect === kind),
        );
        return names.map((preparsedPolicySetId) => prepared.cedar.statefulIsAuthorized({ ...call, preparsedPolicySetId }));
      });
      const responses = answers.flatMap((answer) => (answer.type === 'success' ? [answer.response.diagnostics] : []));
      if (responses.length === answers.length) {
        // Cedar names them in any order.
        const satisfied = new Set(responses.flatMap(({ reason }) => reason));
        const failed = new Set(responses.flatMap(({ errors }) => errors.map(({ policyId }) => policyId)));
        const ids = fitting.map(({ id }) => id);
        return { satisfied: ids.filter((id) => satisfied.has(id)), failed: ids.filter((id) => failed.has(id)) };
      }
    } catch {
      // An instance that threw may be unusable from now on.
      this.#prepared = null;
    }
    return { satisfied: [], failed: this.#policies.map(({ id }) => id) };
  }

  /** Has Cedar keep the policies of a kind that fit a request, and returns the names of the sets in which they are. */
  #setsOf(prepared: Prepared, kind: Policy['effect'], fitting: readonly Policy[]): readonly string[] {
    if (fitting.length === 0) {
      return [];
    }
    if (charactersOf(fitting) <= promptCharactersMax) {
      return [keep(prepared, fitting)];
    }
    const wanted = new Set(fitting);
    return this.#blocks[kind].filter(({ policies }) => policies.some((policy) => wanted.has(policy))).map((block) => keepBlock(prepared, block));
  }

  /** Returns the ids of the policies whose scope fits, whatever their conditions say: for a question of which not all facts are known. */
  fitting(question: Question): readonly string[] {
    return this.fittingCall(this.#callOf(question, [])).map(({ id }) => id);
  }

  /** Returns the policies whose scope fits a question in Cedar's words. */
  fittingCall({ entities }: Call): readonly Policy[] {
    return this.#fitting(entities.flatMap(({ uid, parents }) => [uid, ...parents].map(nameOf)));
  }

  /** Returns the ids of the policies whose scope fits one who asks, a target, and any of its actions. */
  fittingAnyAction({ asker: { principal }, target }: Pick<Question, 'asker' | 'target'>): readonly string[] {
    const actions = [...this.#actions].filter(([, protocol]) => protocol === target.protocol).map(([name]) => name);
    const ids = { Principal: [principal.id], Group: principal.groups, Target: [target.name], Action: [target.protocol, ...actions] };
    return this.#fitting(Object.entries(ids).flatMap(([type, each]) => each.map((id) => nameOf({ type, id })))).map(({ id }) => id);
  }

  /** Returns the policies whose scope names one of these entities wherever it names any. */
  #fitting(names: readonly string[]): readonly Policy[] {
    const fits = (wanted: readonly string[] | null): boolean => wanted?.some((each) => names.includes(each)) ?? true;
    return this.#policies.filter(({ scope }) => fits(scope.action) && fits(scope.principal) && fits(scope.resource));
  }

  #callOf(question: Question, fields: readonly ContextField[]): Call {
    const { asker, target, action } = question;
    const { history } = asker;
    const known = this.#actions.has(action.name) ? action.name : unknownActionName(target.protocol);
    const isUsed = ({ name }: { readonly name: string }): boolean => this.#use.fields?.has(name) ?? true;
    const facts = fields.filter(isUsed).map((field) => [field.name, cedarValue(field, action)] as const);
    const around = circumstances.filter(isUsed).map(({ name: field, type, of }) => [field, circumstanceValue(type, of(question))] as const);
    const session = sessionFields
      .filter(({ name }) => this.#use.session?.has(name) ?? true)
      .map(({ name: field }) => {
        const value = history[field];
        return [field, typeof value === 'number' ? value : [...value]] as const;
      });
    const who = principalEntity(asker);
    const what = targetEntity(target, this.#tags);
    const done = { uid: { type: 'Action', id: known }, attrs: {}, parents: [{ type: 'Action', id: this.#actions.get(known) ?? target.protocol }] };
    return {
      principal: who.uid,
      action: done.uid,
      resource: what.uid,
      context: { ...Object.fromEntries([...facts, ...around]), session: Object.fromEntries(session) },
      entities: [who, what, done],
      validateRequest: false,
    };
  }
}

type Uid = Readonly<Record<'type' | 'id', string>>;

type Entity = Omit<EntityJson, 'uid' | 'parents'> & { readonly uid: Uid; readonly parents: Uid[] };

/** A question in Cedar's words. */
export interface Call extends Omit<StatefulAuthorizationCall, 'preparsedPolicySetId' | 'entities'> {
  readonly entities: Entity[];
}

export function principalEntity({ principal: { id, kind, groups }, onBehalfOf }: Pick<Question['asker'], 'principal' | 'onBehalfOf'>): Entity {
  return {
    uid: { type: 'Principal', id },
    attrs: { kind, groups: [...groups], onBehalfOf: onBehalfOf ?? '' },
    parents: groups.map((group) => ({ type: 'Group', id: group })),
  };
}

/** Makes the entity of a target. `tagged` are the names of the tags that any target has. */
export function targetEntity({ name, protocol, tags = {} }: Pick<PolicyTarget, 'name' | 'protocol' | 'tags'>, tagged: readonly string[]): Entity {
  return { uid: { type: 'Target', id: name }, attrs: { protocol, ...Object.fromEntries(tagged.map((tag) => [tag, tags[tag] ?? ''])) }, parents: [] };
}

const extensions: Readonly<Record<string, string>> = { address: 'ip', time: 'datetime' };

/** Returns a circumstance as Cedar takes it. */
export function circumstanceValue(
  type: string,
  value: string | number | boolean,
): Scalars | { readonly __extn: { readonly fn: string; readonly arg: string } } {
  const fn = extensions[type];
  return fn === undefined ? value : { __extn: { fn, arg: String(value) } };
}

function newlyPrepared(): Prepared {
  return { cedar: loadCedar(), sets: new Map(), blocks: new Set() };
}

function charactersOf(policies: readonly Policy[]): number {
  return policies.reduce((sum, { text }) => sum + text.length, 0);
}

/** Splits the policies of a kind into blocks, each of at most `promptCharactersMax` characters or of one policy. */
function blocksOf(kind: Policy['effect'], policies: readonly Policy[]): readonly Block[] {
  const blocks: Policy[][] = [];
  let left = 0;
  for (const policy of policies.filter(({ effect }) => effect === kind)) {
    left -= policy.text.length;
    if (left < 0) {
      blocks.push([]);
      left = promptCharactersMax - policy.text.length;
    }
    blocks.at(-1)?.push(policy);
  }
  return blocks.map((each, i) => ({ name: `${kind} ${i}`, policies: each }));
}

/** Has Cedar keep a block, and returns its name. Throws if Cedar does not accept it. */
function keepBlock({ cedar, blocks }: Prepared, block: Block): string {
  if (!blocks.has(block)) {
    preparse(cedar, block.name, block.policies);
    blocks.add(block);
  }
  return block.name;
}

/** Has Cedar keep a set of policies, and returns the name of the set. Beyond the most sets, the next one takes the place of the one before. Throws if Cedar does not accept it. */
function keep({ cedar, sets }: Prepared, policies: readonly Policy[]): string {
  const ids = policies.map(({ id }) => id).join('\0');
  const known = sets.get(ids);
  if (known !== undefined) {
    return known;
  }
  const name = sets.size < setsMax ? String(sets.size) : 'more';
  preparse(cedar, name, policies);
  if (name !== 'more') {
    sets.set(ids, name);
  }
  return name;
}

function preparse(cedar: CedarLibrary, name: string, policies: readonly Policy[]): void {
  const answer = cedar.preparsePolicySet(name, { staticPolicies: Object.fromEntries(policies.map(({ id, text }) => [id, text])) });
  if (answer.type === 'failure') {
    throw new Error(`Cedar does not accept what it accepted before: ${answer.errors[0]?.message ?? ''}`);
  }
}

function cedarValue(field: ContextField, action: Action): CedarValue {
  const value = valueOf(field, action);
  return field.namedBy === undefined
    ? wellFormed(value)
    : Object.fromEntries(Object.entries(namedValues(field, value)).map(([name, each]) => [name, wellFormed(each)]));
}

type Scalars = string | number | boolean | string[];
type CedarValue = Scalars | Record<string, Scalars>;

/** Cedar refuses a text with half of a surrogate pair. */
function wellFormed(value: string | number | boolean | readonly string[]): Scalars {
  return typeof value === 'string' ? value.toWellFormed() : typeof value === 'object' ? value.map((text) => text.toWellFormed()) : value;
}
