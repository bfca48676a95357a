import { leafKinds } from '@countersign/ledger/format';
import { effectNames } from '../domain/effects.ts';
import { ownAttributes } from '../domain/own-attributes.ts';

/** How values of a field are compared besides as a whole: also by their end after a dot (`customers` for `public.customers`), or by what follows the first `=`. */
type Part = 'dotted' | 'assigned';

interface QueryField {
  readonly title: string;
  /** The attribute of a record that has its values; absent: another part of the record. */
  readonly attribute?: string;
  readonly part?: Part;
  /** All values that it can have; absent: any. */
  readonly values?: readonly string[];
  /** True if what belongs to a request, as its answer, has the values of the request too. */
  readonly isInherited?: true;
}

/** The words by which people ask for kinds of records, besides the kinds themselves. */
const saidKinds = ['prompt', 'output', 'tool', 'statement', 'rows', 'change'] as const;

/** The names of fields in queries, besides `time` and `text` and the names of attributes. */
export const queryFields = {
  principal: { title: 'who acts', attribute: 'user.id' },
  group: { title: 'a group of who acts', attribute: 'user.roles' },
  'on-behalf-of': { title: 'the principal for whom who acts acts', attribute: ownAttributes.onBehalfOf },
  target: { title: 'the target' },
  protocol: { title: 'the protocol' },
  kind: { title: 'the kind of record, or one of prompt, output, tool, statement, rows, change', values: [...Object.keys(leafKinds), ...saidKinds] },
  action: { title: 'the action', isInherited: true },
  verdict: { title: 'allow, deny or hold', values: ['allow', 'deny', 'hold'] },
  policy: { title: 'a policy that determined the verdict' },
  model: { title: 'the model that was asked for', attribute: 'gen_ai.request.model', isInherited: true },
  'model-served': { title: 'the model that answered', attribute: 'gen_ai.response.model' },
  provider: { title: 'the provider of the model', attribute: 'gen_ai.provider.name', isInherited: true },
  tool: { title: 'the tool that was called', attribute: 'gen_ai.tool.name', isInherited: true },
  table: { title: 'a table that was read or changed', attribute: ownAttributes.tables, part: 'dotted', isInherited: true },
  'table-read': { title: 'a table that was read', attribute: ownAttributes.reads, part: 'dotted', isInherited: true },
  'table-written': { title: 'a table that was changed', attribute: ownAttributes.writes, part: 'dotted', isInherited: true },
  column: { title: 'a column that was named', attribute: ownAttributes.columns, part: 'dotted', isInherited: true },
  verb: { title: 'the kind of statement, as select', attribute: ownAttributes.statements, isInherited: true },
  effect: { title: 'an effect, as read or write', attribute: ownAttributes.effects, values: effectNames, isInherited: true },
  function: { title: 'a function that a statement calls', attribute: ownAttributes.functions, part: 'dotted', isInherited: true },
  status: { title: 'the HTTP status of the answer', attribute: 'http.response.status_code' },
  sqlstate: { title: 'the status of the answer of a database', attribute: 'db.response.status_code' },
  rows: { title: 'how many rows were returned', attribute: 'db.response.returned_rows' },
  bytes: { title: 'how long the content is' },
  tokens: { title: 'how many tokens were used' },
  class: { title: 'a data class of values in it', attribute: ownAttributes.classes },
  masked: { title: 'a data class of values that were masked' },
  address: { title: 'the address of the client', attribute: 'client.address' },
  session: { title: 'the session, as 32 hexadecimal digits', attribute: 'session.id' },
  environment: { title: 'the value of the tag "environment" of the target' },
  software: { title: 'what the client said of its software', attribute: ownAttributes.clientClaims, part: 'assigned' },
} as const satisfies Readonly<Record<string, QueryField>>;

export type QueryFieldName = keyof typeof queryFields;

/** Attributes that are content. They are no fields: their words are found with `text`. */
export const contentAttributes: readonly string[] = [
  'db.query.text',
  'gen_ai.input.messages',
  'gen_ai.output.messages',
  'gen_ai.system_instructions',
  'gen_ai.tool.call.result',
];

const fieldsOfAttributes: ReadonlyMap<string, string> = new Map(
  Object.entries<QueryField>(queryFields).flatMap(([name, { attribute }]) => (attribute === undefined ? [] : [[attribute, name] as const])),
);

/** Returns the name under which the values of an attribute are found. */
export function fieldOf(attribute: string): string {
  return fieldsOfAttributes.get(attribute) ?? attribute;
}

/** Returns the fields that have a name of their own, with all values that each can have; none: any. */
export function listFields(): readonly { readonly name: string; readonly title: string; readonly values: readonly string[] }[] {
  return Object.entries<QueryField>(queryFields).map(([name, { title, values = [] }]) => ({ name, title, values }));
}

export function findField(name: string): QueryField | undefined {
  const known: Readonly<Record<string, QueryField>> = queryFields;
  return Object.hasOwn(known, name) ? known[name] : undefined;
}

/** Returns the forms of a value in which a query may name it. */
export function formsOf(field: string, value: string): readonly string[] {
  const part = findField(field)?.part;
  if (part === 'assigned') {
    const at = value.indexOf('=');
    return at < 0 ? [value] : [value, value.slice(at + 1)];
  }
  const forms = [value];
  for (let at = part === 'dotted' ? value.indexOf('.') : -1; at >= 0; at = value.indexOf('.', at + 1)) {
    forms.push(value.slice(at + 1));
  }
  return forms;
}
