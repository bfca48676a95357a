import { knownNames, suggest } from '../domain/suggest.ts';
import { entitiesOf, mentionsType, nameOf, type PolicyScope } from './policy-json.ts';
import type { Doubtful, ReadPolicy } from './policy-set.ts';
import { searched, type PolicyProblem } from './policy-text.ts';
import { gatewayName, isRecordingAction } from './recordings.ts';
import type { Vocabulary } from './vocabulary.ts';

/** The annotations that say something about recordings. */
const annotations: ReadonlySet<string> = new Set(['id', 'reason']);

const actionPrefix = nameOf({ type: 'Action', id: '' });

/** Returns whether a policy is about recordings: only if it names their actions, so that one about every action at a target opens none. */
export function isAboutRecordings({ action }: PolicyScope): boolean {
  return action?.some(isOfRecordings) === true;
}

function isOfRecordings(name: string): boolean {
  return name.startsWith(actionPrefix) && isRecordingAction(name.slice(actionPrefix.length));
}

/** Finds faults of a policy about recordings for which it must not be put into force, because it would do something else than it says. */
export function findRecordingFaults({ policy, json, written }: ReadPolicy): readonly PolicyProblem[] {
  const problem = (message: string, words: string): PolicyProblem => ({ source: written.source, offset: searched(written, words), message });
  const foreign = Object.keys(json.annotations ?? {}).filter((name) => !annotations.has(name));
  const gateways = entitiesOf(json, 'Gateway').filter((name) => name !== gatewayName);
  return [
    ...(policy.scope.action?.every(isOfRecordings) === true
      ? []
      : [problem('a policy is about recordings or about acts at targets: write one for each', 'action')]),
    ...foreign.map((name) => problem(`@${name} says nothing of recordings: a policy about them has @id and @reason`, `@${name}`)),
    ...gateways.map((name) => problem(`there is no gateway ${JSON.stringify(name)}: write resource is Gateway`, JSON.stringify(name))),
    ...(policy.effect === 'permit' && mentionsType(json, 'Class')
      ? [problem('a permit about recordings says at which targets, and allows whatever classes there are: say in a forbid which are not', 'Class')]
      : []),
  ];
}

/** Finds targets and classes that the configuration does not have, and classes whose values are looked for nowhere. There may be records of former ones. */
export function findStrangeResources({ policy, json, written }: ReadPolicy, { targets, classes }: Vocabulary): readonly Doubtful[] {
  const known = { Target: targets.map(({ name }) => name), Class: classes };
  const isUnseen = mentionsType(json, 'Class') && targets.every(({ inspect = [] }) => inspect.length === 0);
  const unseen = {
    isMistyped: false,
    source: written.source,
    offset: searched(written, 'Class'),
    message: 'no record has a class, because no target is inspected: name classes in inspect of those that have such values',
  };
  const strange = (['Target', 'Class'] as const).flatMap((type) =>
    policy.resources[type].flatMap((name) =>
      known[type].includes(name)
        ? []
        : [
            {
              isMistyped: suggest(name, known[type]) !== null,
              source: written.source,
              offset: searched(written, JSON.stringify(name)),
              message: `there is no ${type === 'Target' ? 'target' : 'class'} ${JSON.stringify(name)}, so this is about former records alone${knownNames(name, known[type])}`,
            },
          ],
    ),
  );
  return isUnseen ? [unseen, ...strange] : strange;
}
