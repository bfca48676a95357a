import type { PolicyJson, ValidationError } from '@cedar-policy/cedar-wasm/nodejs';
import { knownNames, suggest } from '../domain/suggest.ts';
import type { PolicySource } from '../domain/policy-source.ts';
import { readAnnotations, type Annotated } from './annotations.ts';
import { parseWords, schemaWords } from './cedar-words.ts';
import type { CedarLibrary } from './cedar-library.ts';
import { findUnseen } from './unseen-classes.ts';
import { findAgentsThatApprove, findBesideGrants, findConflicts, findMisshapen, findUnreachable, protocolsOf } from './conflicts.ts';
import { findRecordingFaults, findStrangeResources, isAboutRecordings } from './recording-checks.ts';
import { cedarSchema, recordingSchema } from './cedar-schema.ts';
import { isMask, methodsOf } from './mask-text.ts';
import { contextUse, entitiesOf, looksAt, scopeOf, type ContextUse, type PolicyScope } from './policy-json.ts';
import { searched, splitPolicies, type PolicyProblem, type WrittenPolicy } from './policy-text.ts';
import type { Vocabulary } from './vocabulary.ts';

/** Most policies of a set. */
const policiesMax = 1000;
/** Most problems that are told at once. */
const problemsMax = 50;

/** A policy that Cedar has read, and that speaks only of what exists. */
export interface Policy {
  /** `FILE:NAME`; NAME is its `@id`, else its position in the file. */
  readonly id: string;
  readonly effect: 'permit' | 'forbid';
  readonly text: string;
  readonly annotated: Annotated;
  readonly use: ContextUse;
  /** True if its conditions look at the action, too. */
  readonly looksAtAction: boolean;
  /** True if they look at who asks. */
  readonly looksAtPrincipal: boolean;
  readonly scope: PolicyScope;
  /** True: it is about recordings. False: about acts at targets. */
  readonly isAboutRecordings: boolean;
  /** The names of targets and of data classes that it names. */
  readonly resources: Readonly<Record<'Target' | 'Class', readonly string[]>>;
  /** The ids of principals that it names. */
  readonly principals: readonly string[];
}

/** True if the policy limits the requests to which it applies. */
export function isLimiting({ annotated }: Policy): boolean {
  return !annotated.isObserved && annotated.obligations.some(({ kind }) => kind === 'limit');
}

/** True if the policy asks what the session did before. */
export function readsHistory({ use }: Policy): boolean {
  return use.session === null || use.session.size > 0;
}

export interface ReadPolicies {
  readonly policies: readonly Policy[];
  /** Faults for which the set must not be put into force. */
  readonly problems: readonly PolicyProblem[];
  /** Finds oddities that may be meant. */
  readonly warnings: () => readonly PolicyProblem[];
  /** Finds policies that do no harm and can never do what they are written for. */
  readonly conflicts: () => readonly PolicyProblem[];
}

/** Reads files of policies. Any text is acceptable input. */
export function readPolicies(cedar: CedarLibrary, sources: readonly PolicySource[], vocabulary: Vocabulary): ReadPolicies {
  const split = sources.map(splitPolicies);
  const problems = split.flatMap((each) => each.problems);
  const written = split.flatMap((each) => each.policies);
  if (written.length > policiesMax && sources[0] !== undefined) {
    problems.push({ source: sources[0], offset: null, message: `there are ${written.length} policies, at most ${policiesMax} are read` });
  }
  if (problems.length > 0) {
    return { policies: [], problems: problems.slice(0, problemsMax), warnings: () => [], conflicts: () => [] };
  }
  const read = written.map((policy) => readPolicy(cedar, policy));
  const policies = read.flatMap((each) => ('policy' in each ? [each] : []));
  problems.push(...read.flatMap((each) => ('policy' in each ? [] : [each])), ...twice(policies));
  const ofTargets = policies.filter(({ policy }) => !policy.isAboutRecordings);
  const ofRecordings = policies.filter(({ policy }) => policy.isAboutRecordings);
  if (problems.length === 0) {
    problems.push(
      ...ofTargets.flatMap((each) => [...unknownTargets(each, vocabulary), ...unknownClasses(each, vocabulary)]),
      ...ofRecordings.flatMap(findRecordingFaults),
      ...invalid(cedar, ofTargets, vocabulary, cedarSchema(vocabulary)),
      ...invalid(cedar, ofRecordings, vocabulary, recordingSchema(vocabulary)),
    );
  }
  const strange = (): readonly Doubtful[] => [
    ...policies.flatMap((each) => strangers(each, vocabulary)),
    ...ofRecordings.flatMap((each) => findStrangeResources(each, vocabulary)),
  ];
  const warnings = (): readonly PolicyProblem[] =>
    problems.length > 0
      ? []
      : [
          ...strange().filter(({ isMistyped }) => !isMistyped),
          ...findMisshapen(ofTargets, vocabulary),
          ...findUnreachable(ofTargets, vocabulary),
          ...findAgentsThatApprove(ofTargets, vocabulary),
          ...findBesideGrants(ofTargets, vocabulary),
          ...findUnseen(ofTargets, vocabulary),
        ];
  const conflicts = (): readonly PolicyProblem[] =>
    problems.length > 0 ? [] : [...strange().filter(({ isMistyped }) => isMistyped), ...findConflicts(ofTargets, vocabulary)].slice(0, problemsMax);
  return { policies: policies.map(({ policy }) => policy), problems: problems.slice(0, problemsMax), warnings, conflicts };
}

export interface ReadPolicy {
  readonly policy: Policy;
  readonly json: PolicyJson;
  readonly written: WrittenPolicy;
}

/** A name that may be mistyped. Not mistyped: nobody has it yet, or any more. */
export interface Doubtful extends PolicyProblem {
  readonly isMistyped: boolean;
}

function readPolicy(cedar: CedarLibrary, written: WrittenPolicy): ReadPolicy | PolicyProblem {
  const { source, text, position } = written;
  const answer = cedar.policyToJson(text);
  if (answer.type === 'failure') {
    const [error] = answer.errors;
    const at = placeOf(written, error?.sourceLocations?.[0]?.start);
    return {
      source,
      offset: at,
      message: parseWords({ message: error?.message ?? 'this is no policy', help: error?.help }, text.slice(0, at - written.offset)),
    };
  }
  const { json } = answer;
  const annotated = readAnnotations(json.annotations ?? {}, json.effect);
  if ('message' in annotated) {
    return { source, offset: searched(written, `@${annotated.key}`), message: annotated.message };
  }
  const id = `${source.file}:${annotated.id ?? position}`;
  const obligations = annotated.obligations.map(({ kind, parameters }) => ({ kind, parameters: { ...parameters, policy: id } }));
  const scope = scopeOf(json);
  const resources = { Target: entitiesOf(json, 'Target'), Class: entitiesOf(json, 'Class') };
  const policy = {
    id,
    effect: json.effect,
    text,
    annotated: { ...annotated, obligations },
    use: contextUse(json),
    looksAtAction: looksAt('action', json),
    looksAtPrincipal: looksAt('principal', json),
    scope,
  };
  return { policy: { ...policy, isAboutRecordings: isAboutRecordings(scope), resources, principals: entitiesOf(json, 'Principal') }, json, written };
}

/** Finds ids that two policies have. */
function twice(policies: readonly ReadPolicy[]): PolicyProblem[] {
  const seen = new Set<string>();
  return policies.flatMap(({ policy: { id }, written: { source, offset } }) => {
    const isKnown = seen.has(id);
    seen.add(id);
    return isKnown ? [{ source, offset, message: `two policies have the id ${id}` }] : [];
  });
}

/** Finds names of data classes that do not exist. */
function unknownClasses({ policy: { annotated }, written }: ReadPolicy, { classes }: Vocabulary): PolicyProblem[] {
  return annotated.obligations
    .filter(({ kind }) => isMask(kind))
    .flatMap((mask) => [...methodsOf(mask).keys()].map((name) => [mask.kind, name] as const))
    .filter(([, name]) => !classes.includes(name))
    .map(([kind, name]) => {
      const meant = suggest(name, classes);
      const others =
        meant === null ? '; countersign class list prints those that are built in, classes in the configuration names others' : `: is ${meant} meant?`;
      return { source: written.source, offset: searched(written, `@${kind}`), message: `there is no class ${JSON.stringify(name)}${others}` };
    });
}

/** Finds names of targets that do not exist: Cedar's schema does not hold them. */
function unknownTargets({ json, written }: ReadPolicy, { targets }: Vocabulary): PolicyProblem[] {
  const names = targets.map(({ name }) => name);
  return entitiesOf(json, 'Target').flatMap((name) => {
    if (names.includes(name)) {
      return [];
    }
    const message = `there is no target ${JSON.stringify(name)}${knownNames(name, names)}`;
    return [{ source: written.source, offset: searched(written, JSON.stringify(name)), message }];
  });
}

/** Finds groups and principals that the configuration does not name. They may come later, but a principal whose id is almost that of another is a mistake. */
function strangers({ json, written }: ReadPolicy, { principals, issued }: Vocabulary): Doubtful[] {
  const known = { Principal: principals.map(({ id }) => id), Group: [...new Set([...principals.flatMap(({ groups }) => groups), ...(issued?.groups ?? [])])] };
  const isIssued = (name: string): boolean => issued?.issuers.some((issuer) => name.startsWith(`${issuer}/`)) === true;
  return (['Principal', 'Group'] as const).flatMap((type) =>
    entitiesOf(json, type).flatMap((name) => {
      const meant = suggest(name, known[type]);
      return known[type].includes(name) || (type === 'Principal' && isIssued(name))
        ? []
        : [
            {
              isMistyped: type === 'Principal' && meant !== null,
              source: written.source,
              offset: searched(written, JSON.stringify(name)),
              message: `no principal ${type === 'Group' ? 'is in the group' : 'has the id'} ${JSON.stringify(name)}${meant === null ? '' : `: is ${meant} meant?`}`,
            },
          ];
    }),
  );
}

/** Has Cedar check the policies against the schema. A policy that can never apply is a fault too: whoever wrote it meant something else. */
function invalid(cedar: CedarLibrary, policies: readonly ReadPolicy[], vocabulary: Vocabulary, schema: Readonly<Record<string, unknown>>): PolicyProblem[] {
  if (policies.length === 0) {
    return [];
  }
  const byId = new Map(policies.map((each) => [each.policy.id, each]));
  const answer = cedar.validate({
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the library checks the schema itself, and says what is wrong with it
    schema: schema as Parameters<CedarLibrary['validate']>[0]['schema'],
    policies: { staticPolicies: Object.fromEntries(policies.map(({ policy: { id, text } }) => [id, text])) },
  });
  if (answer.type === 'failure') {
    throw new Error(`Cedar does not accept the schema: ${answer.errors[0]?.message ?? ''}`);
  }
  const failed = new Set(answer.validationErrors.map(({ policyId }) => policyId));
  const impossible = answer.validationWarnings.filter(({ policyId, error }) => !failed.has(policyId) && error.message.includes('policy is impossible'));
  return [...answer.validationErrors, ...impossible]
    .flatMap(({ policyId, error }) => {
      const policy = byId.get(policyId);
      return policy === undefined ? [] : [problemOf(policy, error, vocabulary)];
    })
    .filter(isFirstAt);
}

/** Cedar tells a fault for each action to which a policy applies; one of them is enough. */
function isFirstAt({ source, offset }: PolicyProblem, i: number, all: readonly PolicyProblem[]): boolean {
  return all.findIndex((each) => each.source === source && each.offset === offset) === i;
}

function problemOf({ policy, written, json }: ReadPolicy, { message, help, sourceLocations }: ValidationError['error'], vocabulary: Vocabulary): PolicyProblem {
  const words = schemaWords({ message, help }, policy.isAboutRecordings ? 'recordings' : protocolsOf(json, vocabulary), vocabulary);
  return { source: written.source, offset: placeOf(written, sourceLocations?.[0]?.start), message: words };
}

/** Returns the index in the file for a place that Cedar gives in bytes of the policy. */
function placeOf({ text, offset }: WrittenPolicy, bytes = 0): number {
  return offset + Buffer.from(text).subarray(0, bytes).toString().length;
}
