import { readFileSync } from 'node:fs';
import { isScalar, LineCounter, parseDocument, visit, type Document } from 'yaml';
import { z } from 'zod';
import { classNames } from '../classes/built-in-names.ts';
import { closed, problemsOf } from '../config/closed.ts';
import { configBytesMax } from '../config/find.ts';
import type { Config } from '../config/config.ts';
import { locate, placeOf, type Problem, type Source } from '../config/locate.ts';
import { toPlain } from '../config/plain-yaml.ts';
import type { Action, Attributes, AttributeValue } from '../domain/action.ts';
import type { ContextField } from '../domain/context-field.ts';
import type { Decision, Obligation } from '../domain/decision.ts';
import { effectNames } from '../domain/effects.ts';
import { recordObligations } from '../domain/facts-only.ts';
import { GatewayError } from '../domain/errors.ts';
import { plainFault } from '../domain/plain-faults.ts';
import { isIssuedName } from '../domain/issuer.ts';
import type { Principal } from '../domain/principal.ts';
import { unknownClass } from '../domain/seen.ts';
import { knownNames, suggest } from '../domain/suggest.ts';
import type { TargetFacts } from '../domain/target.ts';
import { issuedPrincipal } from '../identity/issued-principal.ts';
import { actNames } from '../domain/recording-acts.ts';
import { builtInRoles, rolesOf } from '../access/roles.ts';
import { isRecordingAction, recordingAction } from '../policy/recordings.ts';
import { commonFields } from '../policy/context.ts';
import { methodsOf, readMaskText, type MaskKind } from '../policy/mask-text.ts';
import type { PolicyEngine, Question, SessionHistory } from '../policy/policy.ts';
import { isSourceOf } from '../policy/unseen-classes.ts';
import { actionNames, connectActionName } from '../policy/vocabulary.ts';
import { findProtocol } from '../protocols/registry.ts';
import { systemErrorWords } from '../store/system-error.ts';

const texts = z.array(z.string());
const count = z.int().min(0).default(0);
const maskKinds: readonly MaskKind[] = ['mask', 'mask_request'];

/** Reads the classes that a case expects to be masked, in the words of the annotation, with the method of each class. An empty text says that none is. */
function maskText(kind: MaskKind) {
  return z
    .string('classes are expected, as in @mask: "email, card:last4"')
    .transform((written, context) => {
      const read = written === '' ? new Map<string, string>() : readMaskText(kind, written);
      if (typeof read === 'string') {
        context.addIssue({ code: 'custom', message: read });
        return z.NEVER;
      }
      return masksText(read);
    })
    .optional();
}

const policyCase = closed({
  name: z.string().optional(),
  principal: z.string('the id of a principal is expected'),
  kind: z.enum(['human', 'agent'], 'human or agent is expected').optional(),
  groups: texts.optional(),
  onBehalfOf: z.string().optional(),
  target: z.string('the name of a target is expected').optional(),
  action: z.string('the name of an action is expected, as postgres.query'),
  classes: texts.optional(),
  own: z.boolean('true or false is expected').optional(),
  text: z.string().optional(),
  context: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), texts])).optional(),
  session: closed({
    targets: texts.default([]),
    tables: texts.default([]),
    classes: texts.default([]),
    requests: count,
    denials: count,
    approvals: count,
    rows: count,
    bytes: count,
    tokens: count,
  }).prefault({}),
  run: z.boolean('true or false is expected').default(false),
  clientAddress: z.union([z.ipv4(), z.ipv6()], 'an IP address is expected').default('127.0.0.1'),
  time: z.iso.datetime('a time in UTC is expected, as 2026-11-28T09:00:00Z').optional(),
  expect: z.enum(['allow', 'deny', 'hold'], 'allow, deny or hold is expected'),
  policy: z.string().optional(),
  record: z.enum(['content', 'facts'], 'content or facts is expected').optional(),
  mask: maskText('mask'),
  mask_request: maskText('mask_request'),
});

/** The members that a case about a recording does not have. */
const ofRequests = ['text', 'context', 'record', 'mask', 'mask_request'] as const;

/** The session of a run, for a case that is in one. */
const anyRun = '0'.repeat(32);

const file = z.array(policyCase, 'a list of cases is expected');

/** A case that expects nothing. */
const askedCase = policyCase.partial({ expect: true });

type PolicyCase = z.output<typeof askedCase>;

/** The people, targets and roles by which cases are decided, beside the policies. */
export interface CaseDirectory extends Pick<Config, 'targets' | 'principals' | 'groups' | 'roles'> {
  readonly issuers: ReadonlyMap<string, unknown>;
  readonly classes: ReadonlyMap<string, unknown>;
}

/** Most problems that are told at once. */
const problemsMax = 20;
/** Most cases that are decided at once. */
const casesMax = 2000;

/** The outcome of one case. */
export interface CaseOutcome {
  readonly name: string;
  /** Null: the case speaks of what does not exist, so there is nothing to decide. */
  readonly decision: Decision | null;
  /** Why the principal may not even connect to the target, so that no such request comes that far. Null: it may. */
  readonly unreached: string | null;
  /** The difference from what the case expects. Null: it is as expected. */
  readonly difference: string | null;
}

/** Decides each case of a file. Rejects with GatewayError `config_invalid`. */
export async function testPolicy(path: string, directory: CaseDirectory, policy: PolicyEngine): Promise<readonly CaseOutcome[]> {
  return testCases(readCases(path), directory, policy);
}

/** Decides each case of a text. `file` is the name by which messages call it. Rejects with GatewayError `config_invalid`. */
export async function testCases(
  { file: name, text }: { readonly file: string; readonly text: string },
  directory: CaseDirectory,
  policy: PolicyEngine,
): Promise<readonly CaseOutcome[]> {
  const outcomes: CaseOutcome[] = [];
  const { cases, source } = parseCases(name, text);
  for (const [i, each] of cases.entries()) {
    const decided = await decideCase(each, directory, policy);
    if ('message' in decided) {
      const difference = `${placeOf(source, [i, decided.member])}: ${decided.message}`;
      outcomes.push({ name: nameOf(each, i), decision: null, unreached: null, difference });
    } else {
      outcomes.push({ name: nameOf(each, i), ...decided, difference: differenceOf(each, decided.decision, policy) });
    }
  }
  return outcomes;
}

/** Decides a case that expects nothing. Any value is acceptable input. Rejects with GatewayError `malformed`, which says what is wrong with it. */
export async function explainCase(asked: unknown, directory: CaseDirectory, policy: PolicyEngine): Promise<DecidedCase> {
  const { data, error } = askedCase.safeParse(asked, { error: plainFault });
  if (data === undefined) {
    throw new GatewayError(
      'malformed',
      error.issues
        .flatMap(problemsOf)
        .map(({ path, message }) => [...path, message].join(': '))
        .join('\n'),
    );
  }
  const decided = await decideCase(data, directory, policy);
  if ('message' in decided) {
    throw new GatewayError('malformed', `${decided.member}: ${decided.message}`);
  }
  return decided;
}

async function decideCase(each: PolicyCase, directory: CaseDirectory, policy: PolicyEngine): Promise<DecidedCase | CaseFault> {
  return isRecordingAction(each.action) ? decideOnRecord(each, directory, policy) : decideOnRequest(each, directory, policy);
}

function nameOf({ name, principal, target, classes = [], text, action }: PolicyCase, i: number): string {
  return name ?? `case ${i + 1}: ${[principal, target, ...classes, text ?? action].filter(Boolean).join(', ')}`;
}

export interface DecidedCase {
  readonly decision: Decision;
  readonly unreached: string | null;
}

async function decideOnRequest(each: PolicyCase, config: CaseDirectory, policy: PolicyEngine): Promise<DecidedCase | CaseFault> {
  const question = await questionOf(each, config);
  if ('message' in question) {
    return question;
  }
  const decision = policy.decide(question);
  return { decision, unreached: unreachedBy(policy, question, decision) };
}

/** Decides about an act with a record: by the policies, and by the roles of the principal whatever records they are about. */
function decideOnRecord(each: PolicyCase, config: CaseDirectory, policy: PolicyEngine): DecidedCase | CaseFault {
  const { action, target = null, classes = [], own = false, onBehalfOf = null, clientAddress, time } = each;
  const principal = principalOf(each, config);
  if ('message' in principal) {
    return principal;
  }
  const act = actNames.find((name) => recordingAction(name) === action);
  if (act === undefined) {
    return { member: 'action', message: `there is no action ${JSON.stringify(action)}${knownNames(action, actNames.map(recordingAction))}` };
  }
  const foreign = ofRequests.find((member) => each[member] !== undefined);
  if (foreign !== undefined) {
    return {
      member: foreign,
      message: `${foreign} is said of requests to a target, and not of recordings: leave it out. A case of recordings says time for hour, weekday and now, and clientAddress.`,
    };
  }
  if (target !== null && !config.targets.has(target)) {
    return { member: 'target', message: `there is no target ${JSON.stringify(target)}${knownNames(target, [...config.targets.keys()])}` };
  }
  const known = classNames(config.classes);
  const strange = classes.find((name) => !known.includes(name));
  if (strange !== undefined) {
    return { member: 'classes', message: `there is no class ${JSON.stringify(strange)}${knownNames(strange, known)}` };
  }
  const timeMs = time === undefined ? Date.now() : Date.parse(time);
  const allowing = rolesOf(config.roles, principal, timeMs).flatMap(({ name, role, may }) =>
    may.includes(act) && (own || builtInRoles[role].limit !== 'own') ? [`role:${name}`] : [],
  );
  const asker = { principal, onBehalfOf, run: null, address: clientAddress };
  const decision = policy.decideOnRecord?.({ asker, timeMs }, { act, target, classes, own, allowing });
  return decision === undefined ? { member: 'action', message: 'there are no policies but the grants' } : { decision, unreached: null };
}

/** Says why a request that would not be denied never comes so far: its connection is refused, or would be held, which refuses it too. */
function unreachedBy(policy: PolicyEngine, question: Question, { verdict }: Decision): string | null {
  const name = connectActionName(question.target.protocol);
  const connected = policy.decide({ ...question, action: { name, attributes: {} } });
  const words = connected.verdict === 'hold' ? 'would be held, and so is refused' : 'is denied';
  return verdict === 'deny' || connected.verdict === 'allow' ? null : `${name} ${words} before: ${connected.reason}`;
}

function differenceOf(expected: PolicyCase, { verdict, policies, obligations }: Decision, { texts: known }: PolicyEngine): string | null {
  const { expect, policy, record } = expected;
  const by = `${verdict} by ${policies.join(', ') || 'no permit'}`;
  if (expect !== undefined && verdict !== expect) {
    return `${expect} was expected, the verdict is ${by}`;
  }
  if (policy !== undefined && !policies.includes(policy)) {
    const ids = [...(known?.keys() ?? [])];
    const meant = ids.find((id) => id.endsWith(`:${policy}`)) ?? (ids.includes(policy) ? null : suggest(policy, ids));
    return `${policy} was expected to decide, the verdict is ${by}${meant === null ? '' : `: is ${meant} meant?`}`;
  }
  const kept = recordObligations(obligations).length > 0 ? 'facts' : 'content';
  if (record !== undefined && record !== kept) {
    return `the record was expected to have ${record}, it has ${kept}`;
  }
  const masked = maskKinds.find((kind) => expected[kind] !== undefined && expected[kind] !== maskedBy(obligations, kind));
  return masked === undefined ? null : `${masked} was expected to be ${expected[masked] || 'nothing'}, it is ${maskedBy(obligations, masked) || 'nothing'}`;
}

function maskedBy(obligations: readonly Obligation[], kind: MaskKind): string {
  const joined = obligations.find((each) => each.kind === kind);
  return joined === undefined ? '' : masksText(methodsOf(joined));
}

function masksText(methods: ReadonlyMap<string, string>): string {
  return Array.from(methods, ([name, method]) => `${name}:${method}`)
    .toSorted()
    .join(', ');
}

/** A member of a case that is not as it must be. */
interface CaseFault {
  readonly member: keyof PolicyCase;
  readonly message: string;
}

async function questionOf(each: PolicyCase, config: CaseDirectory): Promise<Question | CaseFault> {
  const { targets, classes } = config;
  const principal = principalOf(each, config);
  if (each.target === undefined) {
    return { member: 'target', message: 'the name of a target is expected' };
  }
  const foreign = (['classes', 'own'] as const).find((member) => each[member] !== undefined);
  if (foreign !== undefined) {
    return { member: foreign, message: `${foreign} is said of recordings: the classes of a request are under context` };
  }
  const target = targets.get(each.target);
  if ('message' in principal) {
    return principal;
  }
  if (target === undefined) {
    return { member: 'target', message: `there is no target ${JSON.stringify(each.target)}${knownNames(each.target, [...targets.keys()])}` };
  }
  const action = await actionOf(each, target);
  if ('message' in action) {
    return action;
  }
  const { session, time, clientAddress, run, onBehalfOf = null, context = {} } = each;
  const known = [...classNames(classes), unknownClass];
  for (const [member, names, sourcesOf] of [
    ['context', context['classes'], []],
    ['context', context['carries'], [...targets.keys()]],
    ['session', session.classes, []],
  ] as const) {
    const strange = [names ?? []].flat().find((name) => !known.includes(String(name)) && !sourcesOf.some((source) => isSourceOf(String(name), source)));
    if (strange !== undefined) {
      return { member, message: `there is no class ${JSON.stringify(strange)}${knownNames(String(strange), known)}` };
    }
  }
  const history: SessionHistory = { ...session, targets: new Set(session.targets), tables: new Set(session.tables), classes: new Set(session.classes) };
  return {
    asker: { principal, onBehalfOf, run: run ? anyRun : null, within: null, session: null, address: clientAddress, history },
    target,
    action,
    timeMs: time === undefined ? Date.now() : Date.parse(time),
  };
}

/** Returns the principal of a case: one of the configuration, or one of an issuer with the kind and groups that the case states. */
function principalOf({ principal: id, kind, groups }: PolicyCase, { principals, issuers, groups: known }: CaseDirectory): Principal | CaseFault {
  const configured = principals.get(id);
  if (configured !== undefined) {
    const stated = kind === undefined ? (groups === undefined ? null : 'groups') : 'kind';
    return stated === null ? configured : { member: stated, message: `the configuration says the ${stated} of ${id}: leave it out` };
  }
  if (!isIssuedName(id, issuers)) {
    return { member: 'principal', message: `there is no principal ${JSON.stringify(id)}${knownNames(id, [...principals.keys()])}` };
  }
  const issuer = id.slice(0, id.indexOf('/'));
  const principal = issuedPrincipal(known, issuer, { id, kind: kind ?? 'human', groups: groups ?? [] });
  const strange = groups?.find((group) => !principal.groups.includes(group));
  return strange === undefined
    ? principal
    : { member: 'groups', message: `no token of the issuer ${issuer} makes a member of ${JSON.stringify(strange)}${knownNames(strange, [...known.keys()])}` };
}

/** Returns the action of a case: the facts that the protocol finds in its text, and those that the case states itself. */
async function actionOf({ action: name, text, context = {} }: PolicyCase, target: TargetFacts): Promise<Action | CaseFault> {
  const id = target.protocol;
  const protocol = findProtocol(id);
  const names = protocol === undefined ? [] : actionNames(protocol);
  // Records have the name `unknown` for what is in no catalogue.
  if (name !== 'unknown' && !names.includes(name)) {
    return { member: 'action', message: `${target.name} has no action ${JSON.stringify(name)}${knownNames(name, names)}` };
  }
  const isWithoutText = name === connectActionName(id) || protocol?.actions.find((each) => each.name === name)?.isWithoutText === true;
  if (text !== undefined && isWithoutText) {
    return { member: 'text', message: `${name} has no text: leave it out, or name the action that has it` };
  }
  if (text !== undefined && protocol?.readExample === undefined) {
    return { member: 'text', message: `the text of a request to ${id} is not read here: state its facts under context` };
  }
  const read: Attributes = text === undefined ? {} : ((await protocol?.readExample?.(text, target)) ?? {});
  const fields = [...commonFields, ...(protocol?.context ?? [])];
  const stated: Record<string, AttributeValue> = {};
  for (const [field, value] of Object.entries(context)) {
    const known = fields.find((each) => each.name === field);
    if (known === undefined) {
      const facts = fields.map((each) => each.name);
      return { member: 'context', message: `${id} has no fact ${JSON.stringify(field)}${knownNames(field, facts)}` };
    }
    if (!isOfType(known, value)) {
      return { member: 'context', message: `${field}: ${typeWords[known.type]} is expected` };
    }
    stated[known.attribute] = value;
  }
  return { name, attributes: { ...read, ...stated } };
}

const typeWords: Readonly<Record<ContextField['type'], string>> = {
  text: 'a text',
  texts: 'a list of texts',
  number: 'a whole number',
  boolean: 'true or false',
  namedTexts: 'a list of NAME=JSON',
  namedNumbers: 'a list of NAME=JSON',
  namedBooleans: 'a list of NAME=JSON',
};

/** A value of another type would count as absent, and the case would be about a request that nobody sends. */
function isOfType({ name, type }: ContextField, value: AttributeValue): boolean {
  switch (type) {
    case 'text':
      return typeof value === 'string';
    case 'number':
      return Number.isSafeInteger(value);
    case 'boolean':
      return typeof value === 'boolean';
    default:
      return Array.isArray(value) && (name !== 'effects' || value.every((each) => effectNames.some((effect) => effect === each)));
  }
}

function readCases(path: string): { readonly file: string; readonly text: string } {
  try {
    return { file: path, text: readFileSync(path, 'utf8') };
  } catch (cause) {
    throw new GatewayError('config_invalid', `${path} cannot be read: ${systemErrorWords(cause) ?? 'it is not known why'}.`, { cause });
  }
}

function parseCases(path: string, text: string): { readonly cases: readonly PolicyCase[]; readonly source: Source } {
  if (Buffer.byteLength(text) > configBytesMax) {
    throw new GatewayError('config_invalid', `${path} is longer than ${configBytesMax} bytes.`);
  }
  const lines = new LineCounter();
  // The library compares each key of a mapping with each other one.
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false });
  const source = { document, lines, file: path };
  const faults = [...document.errors.map(({ pos, message }) => ({ offset: pos[0], message })), ...keysTwice(document)];
  const outcome = faults.length > 0 ? null : file.safeParse(toPlain(document, path), { error: plainFault });
  if (outcome?.success !== true) {
    const issues = (outcome?.error.issues ?? []).flatMap(problemsOf).slice(0, problemsMax);
    const problems =
      outcome === null
        ? faults.slice(0, problemsMax).map((fault) => locate(source, fault))
        : issues.map(({ path: place, message }) => {
            const [i, ...member] = place;
            return typeof i === 'number'
              ? `${placeOf(source, place)}: case ${i + 1}: ${[...member, message].join(': ')}`
              : locate(source, { path: place, message });
          });
    throw new GatewayError('config_invalid', problems.join('\n'));
  }
  if (outcome.data.length > casesMax) {
    throw new GatewayError('config_invalid', `${path} has ${outcome.data.length} cases, at most ${casesMax} are decided at once: split it.`);
  }
  return { cases: outcome.data, source };
}

/** Finds the keys that a mapping has twice, of which only the last one would count. */
function keysTwice(document: Document): Problem[] {
  const problems: Problem[] = [];
  visit(document, {
    Map: (_, { items }) => {
      const seen = new Set<unknown>();
      for (const { key } of items) {
        if (isScalar(key) && seen.has(key.value)) {
          problems.push({ offset: key.range?.[0] ?? 0, message: `${String(key.value)} is said twice` });
        }
        seen.add(isScalar(key) ? key.value : key);
      }
    },
  });
  return problems;
}
