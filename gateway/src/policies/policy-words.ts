import { annotationForms } from '../policy/annotations.ts';
import type { PolicyWord } from '../policy/candidate.ts';
import { circumstances, commonFields, sessionFields } from '../policy/context.ts';
import { recordingAction, recordingFacts, recordingGroup } from '../policy/recordings.ts';
import { actionNames, tagNames, type Vocabulary } from '../policy/vocabulary.ts';
import { acts, actNames } from '../domain/recording-acts.ts';

/** Most names of one type of entities. */
const namesMax = 1000;

type Words = readonly PolicyWord[];

/** Returns the words of which policies may speak. */
export function policyWords(vocabulary: Vocabulary): Words {
  const { protocols, targets } = vocabulary;
  const spoken = protocols.filter(({ id }) => targets.some(({ protocol }) => protocol === id));
  return [
    ...Object.entries(annotationForms).map(
      ([name, [example, meaning]]) => ({ kind: 'annotation', text: `@${name}(${JSON.stringify(example)})`, meaning }) as const,
    ),
    ...actionWords(spoken),
    ...contextWords(spoken),
    { kind: 'principal', text: 'principal.kind', meaning: 'text: "human" or "agent"' },
    { kind: 'principal', text: 'principal.groups', meaning: 'texts: the groups of who asks' },
    { kind: 'principal', text: 'principal.onBehalfOf', meaning: 'text: for whom it acts; empty if for itself' },
    { kind: 'resource', text: 'resource.protocol', meaning: 'text: the protocol of the target' },
    ...tagNames(targets).map((tag) => ({ kind: 'resource', text: `resource.${tag}`, meaning: 'text: a tag of the target; empty if it has none' }) as const),
    ...entityWords(vocabulary),
  ];
}

function actionWords(protocols: Vocabulary['protocols']): Words {
  const words = protocols.flatMap((protocol): [string, string][] => {
    const titles = new Map(protocol.actions.map(({ name, title }) => [name, title]));
    return [
      [protocol.id, `all actions of ${protocol.id}: action in`],
      ...actionNames(protocol).map((name): [string, string] => [name, titles.get(name) ?? '']),
    ];
  });
  const ofRecordings = actNames.map((act): [string, string] => [recordingAction(act), acts[act]]);
  return [...words, [recordingGroup, 'all that is done with recordings: action in'] as const, ...ofRecordings].map(([name, meaning]) => ({
    kind: 'action',
    text: `Action::${JSON.stringify(name)}`,
    meaning,
  }));
}

function contextWords(protocols: Vocabulary['protocols']): Words {
  const fields = new Map<string, { readonly type: string; readonly title: string; readonly of: string[] }>();
  const add = (name: string, { type, title }: { readonly type: string; readonly title: string }, of: string): void => {
    const known = fields.get(name);
    if (known === undefined) {
      fields.set(name, { type, title, of: [of] });
    } else if (!known.of.includes(of)) {
      known.of.push(of);
    }
  };
  for (const field of [...commonFields, ...circumstances]) {
    add(field.name, field, '');
  }
  for (const { id, context } of protocols) {
    for (const field of context) {
      add(field.name, field, id);
    }
  }
  for (const field of sessionFields) {
    add(`session.${field.name}`, field, '');
  }
  for (const field of recordingFacts) {
    add(field.name, field, recordingGroup);
  }
  return Array.from(fields, ([name, { type, title, of }]) => {
    const where = of.includes('') ? '' : ` of ${of.join(', ')}`;
    return { kind: 'context', text: `context.${name}`, meaning: `${type}${where}: ${title}` } as const;
  });
}

function entityWords({ targets, principals, issued, classes }: Vocabulary): Words {
  const groups = new Set([...principals.flatMap((principal) => principal.groups), ...(issued?.groups ?? [])]);
  return [
    ...named(
      'Target',
      targets.map(({ name, protocol }) => [name, protocol]),
    ),
    ...named(
      'Group',
      Array.from(groups, (name) => [name, 'a group']),
    ),
    ...named(
      'Principal',
      principals.map(({ id, kind }) => [id, kind]),
    ),
    ...named(
      'Class',
      classes.map((name) => [name, 'a data class, of recordings']),
    ),
  ];
}

function named(type: string, names: readonly (readonly [string, string])[]): Words {
  return names.slice(0, namesMax).map(([name, meaning]) => ({ kind: 'entity', text: `${type}::${JSON.stringify(name)}`, meaning }));
}
