import { suggest } from '../domain/suggest.ts';
import { circumstances, commonFields, sessionFields } from './context.ts';
import { recordingFacts } from './recordings.ts';
import { actionNames, tagNames, type PolicyProtocol, type Vocabulary } from './vocabulary.ts';

/** A message of Cedar about a policy. */
interface CedarMessage {
  readonly message: string;
  readonly help: string | null | undefined;
}

/** Names that other systems have for what is called otherwise here. */
const otherNames: ReadonlyMap<string, string> = new Map([
  ['User', 'Principal'],
  ['Agent', 'Principal'],
  ['Role', 'Group'],
  ['Team', 'Group'],
  ['Resource', 'Target'],
  ['Database', 'Target'],
]);
const operatorNames: ReadonlyMap<string, string> = new Map([
  ['and', '&&'],
  ['or', '||'],
]);

/** Returns what is said of a text that Cedar cannot parse. `before` is the text of the policy before the place of the fault. */
export function parseWords({ message, help }: CedarMessage, before: string): string {
  const plain = message.replace('failed to parse policy from string: ', '');
  const [, token = ''] = /^unexpected token `(.*)`$/s.exec(plain) ?? [];
  const operator = operatorNames.get(token);
  if (operator !== undefined) {
    return `${plain}: write ${operator}`;
  }
  if (token !== '' && /\bnot\s*$/.test(before)) {
    return `${plain}: write ! in place of not`;
  }
  const [, effect] = /\S\s*\b(permit|forbid)\s*$/.exec(before) ?? [];
  if ((token === '(' && effect !== undefined) || token === '@') {
    return `${plain}: is a semicolon missing before ${effect ?? 'it'}, at the end of the policy before?`;
  }
  return withHelp(plain, help);
}

/** Returns what is said of a policy that does not fit the schema. The protocols are those of the policy's actions. */
export function schemaWords({ message, help }: CedarMessage, protocols: readonly PolicyProtocol[] | 'recordings', vocabulary: Vocabulary): string {
  const plain = message.replace(/^for policy `[^`]*`, /, '');
  const [, tag] = /^attribute `([^`]+)` on entity type `Target` not found/.exec(plain) ?? [];
  if (tag !== undefined) {
    const meant = suggest(tag, [...tagNames(vocabulary.targets), 'protocol']);
    return `no target has the tag ${tag}: ${meant === null ? `give it to one in the configuration, tags: { ${tag}: … }` : `is ${meant} meant?`}`;
  }
  const [, fact] = /^attribute `([^`]+)` in context for /.exec(plain) ?? [];
  if (fact !== undefined) {
    const names = recordingFacts.map(({ name }) => name);
    return protocols === 'recordings'
      ? `there is no fact ${fact} of recordings: ${asked(suggest(fact, names), names)}`
      : factWords(fact, protocols, vocabulary);
  }
  const [, action] = /^unrecognized action `Action::"([^"]+)"`/.exec(plain) ?? [];
  const meantAction = action === undefined ? null : suggest(action, vocabulary.protocols.flatMap(actionNames));
  if (meantAction !== null) {
    // Cedar means some action of very many, which may be a far one.
    return `${plain}: did you mean \`Action::${JSON.stringify(meantAction)}\`?`;
  }
  const [, type = ''] = /^unrecognized entity type `([^`]+)`/.exec(plain) ?? [];
  const known = otherNames.get(type);
  if (known !== undefined) {
    return `unrecognized entity type ${type}: is ${known} meant?`;
  }
  return plain.includes('policy is impossible') ? withHelp('this policy can never apply: no request is as it says', help) : withHelp(plain, help);
}

function factWords(fact: string, protocols: readonly PolicyProtocol[], { protocols: all }: Vocabulary): string {
  const [outer, inner] = fact.split('.', 2);
  if (outer === 'session' && inner !== undefined) {
    const names = sessionFields.map(({ name }) => name);
    return `context.session has no ${inner}: ${asked(suggest(inner, names), names)}`;
  }
  const owners = all.filter(({ context }) => context.some(({ name }) => name === fact)).map(({ id }) => id);
  const [owner] = owners;
  if (owner !== undefined) {
    return `${fact} is a fact of ${owners.join(', ')} and not of every action that this policy is about: write action in Action::${JSON.stringify(owner)}`;
  }
  const names = [...commonFields, ...circumstances, ...protocols.flatMap(({ context }) => context)].map(({ name }) => name);
  const whose = protocols.length === 1 ? `in Action::${JSON.stringify(protocols[0]?.id)}` : 'of any protocol';
  return `there is no fact ${fact} ${whose}: ${asked(suggest(fact, names), [...new Set(names)])}`;
}

function asked(meant: string | null, names: readonly string[]): string {
  return meant === null ? `there is ${names.join(', ')}` : `is ${meant} meant?`;
}

function withHelp(message: string, help: string | null | undefined): string {
  return help === null || help === undefined ? message : `${message}: ${help}`;
}
