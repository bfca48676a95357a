/** `node tools/policy-facts.ts` writes docs/policy-facts.md from what the protocols say that policies may speak of. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { circumstances, commonFields, sessionFields } from '../gateway/src/policy/context.ts';
import { actionNames } from '../gateway/src/policy/vocabulary.ts';
import { acts, actNames } from '../gateway/src/domain/recording-acts.ts';
import { recordingAction, recordingFacts, recordingGroup, resourceTypesOf } from '../gateway/src/policy/recordings.ts';
import { protocols } from '../gateway/src/protocols/registry.ts';

const root = join(import.meta.dirname, '..');
/** The types as Cedar names them. */
const types = {
  text: 'String',
  texts: 'Set<String>',
  number: 'Long',
  boolean: 'Bool',
  address: 'ipaddr',
  time: 'datetime',
  namedTexts: 'String by name',
  namedNumbers: 'Long by name',
  namedBooleans: 'Bool by name',
} as const;

interface Fact {
  readonly name: string;
  readonly type: keyof typeof types;
  readonly title: string;
  readonly isContent?: true;
  readonly oneOf?: readonly string[];
}

/** Most values of a fact that are in its title: more have a paragraph of their own. */
const titledMax = 12;

function valuesOf(facts: readonly Fact[]): string {
  return facts
    .flatMap(({ name, oneOf = [] }) =>
      oneOf.length > titledMax ? [`\nAll values of \`context.${name}\`: ${oneOf.map((value) => `\`${value}\``).join(', ')}.\n`] : [],
    )
    .join('');
}

function table(facts: readonly Fact[], prefix = 'context'): string {
  const rows = facts.map(
    ({ name, type, title, isContent }) =>
      `| \`${prefix}.${name}\` | ${types[type]} | ${title.replaceAll('|', '\\|')}${isContent === true ? ' It is content.' : ''} |`,
  );
  return ['| fact | type | meaning |', '| --- | --- | --- |', ...rows].join('\n');
}

export function policyFactsDocument(): string {
  const sections = protocols.map((protocol) => {
    const { id, title, actions, context } = protocol;
    const titles = new Map(actions.map(({ name, title: words }) => [name, words]));
    const known = new Map([[`${id}.connect`, 'Connect to the target'], [`${id}.unknown`, 'Any request that has no other action'], ...titles]);
    const rows = actionNames(protocol).map((name) => `| \`${name}\` | ${known.get(name) ?? ''} |`);
    return `## ${title}

${table(context)}
${valuesOf(context)}
| action, all of them in \`Action::"${id}"\` | meaning |
| --- | --- |
${rows.join('\n')}
`;
  });
  return `# What policies may speak of

Made by \`node tools/policy-facts.ts\` from the protocols themselves. [policy.md](policy.md) shows how to use it. Where policy has only facts recorded, what is called content here is not kept.

## All protocols

${table([...commonFields, ...circumstances])}
${table(sessionFields, 'context.session').split('\n').slice(2).join('\n')}

${sections.join('\n')}
${recordings()}`;
}

function recordings(): string {
  const rows = actNames.map((act) => `| \`${recordingAction(act)}\` | ${acts[act]} | ${resourceTypesOf(act).join(', ')} |`);
  return `## Recordings

[policy.md](policy.md#recordings) says how policies about recordings are written. They have these facts and no others.

${table(recordingFacts)}

| action, all of them in \`Action::"${recordingGroup}"\` | meaning | resources |
| --- | --- | --- |
${rows.join('\n')}
`;
}

if (import.meta.main) {
  writeFileSync(join(root, 'docs', 'policy-facts.md'), policyFactsDocument());
}
