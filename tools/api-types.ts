/** The part of JSON Schema that the document uses. */
interface Schema {
  readonly $ref?: string;
  readonly description?: string;
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | false;
}

interface Content {
  readonly schema?: Schema;
  /** The schema of each line, where the answer is lines of JSON. */
  readonly 'x-line'?: Schema;
}

interface Operation {
  readonly summary: string;
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly required: boolean; readonly schema: Schema }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, Content>> };
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, Content>> }>>;
}

interface Description {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

const methods = new Set(['get', 'post', 'put', 'patch', 'delete']);

/** Returns the module with the types of an OpenAPI document, before it is formatted. */
export function schemaModule({ paths, components }: Description): string {
  const named = Object.entries(components.schemas).map(([name, schema]) => `${comment(schema.description)}readonly ${name}: ${typeOf(schema)};\n`);
  const operations = Object.entries(paths).flatMap(([path, ofPath]) =>
    Object.entries(ofPath)
      .filter(([method]) => methods.has(method))
      .map(([method, operation]) => `${comment(operation.summary)}'${method.toUpperCase()} ${path}': ${operationType(operation)};\n`),
  );
  return `/** Made by \`node tools/openapi.ts\`: the API as docs/openapi.json has it. */\n\n/** There is none of it. */\ntype Nothing = Readonly<Record<string, never>>;\n\n/** The schemas that the document names. */\nexport interface Schemas {\n${named.join('\n')}}\n\n/** The operations of the API, by method and path. */\nexport interface Operations {\n${operations.join('\n')}}\n`;
}

function operationType({ parameters = [], requestBody, responses }: Operation): string {
  const given = (place: string): string => {
    const these = parameters.filter((parameter) => parameter.in === place);
    return these.length === 0 ? 'Nothing' : `{${these.map(({ name, required, schema }) => member(name, schema, required)).join('')}}`;
  };
  const answers = Object.entries(responses).filter(([status]) => status.startsWith('2'));
  const contents = answers.flatMap(([, { content = {} }]) => Object.entries(content));
  const typesOf = (schemas: readonly (Schema | undefined)[]): string => {
    const types = schemas.flatMap((schema) => (schema === undefined ? [] : [typeOf(schema)]));
    return types.length === 0 ? 'never' : [...new Set(types)].join(' | ');
  };
  const body = requestBody?.content['application/json']?.schema;
  return `{ path: ${given('path')}; query: ${given('query')}; body: ${body === undefined ? 'Nothing' : typeOf(body)}; answer: ${typesOf(
    contents.filter(([type]) => type === 'application/json').map(([, { schema }]) => schema),
  )}; line: ${typesOf(contents.map(([, content]) => content['x-line']))} }`;
}

function typeOf(schema: Schema): string {
  if (schema.$ref !== undefined) {
    return `Schemas['${schema.$ref.split('/').at(-1)}']`;
  }
  if (schema.const !== undefined || schema.enum !== undefined) {
    return (schema.enum ?? [schema.const]).map((value) => JSON.stringify(value)).join(' | ');
  }
  if (schema.anyOf !== undefined) {
    return schema.anyOf.map(typeOf).join(' | ');
  }
  return [schema.type ?? 'unknown']
    .flat()
    .map((type) => typeNamed(type, schema))
    .join(' | ');
}

function typeNamed(type: string, schema: Schema): string {
  switch (type) {
    case 'string':
    case 'boolean':
    case 'null':
    case 'unknown':
      return type;
    case 'integer':
    case 'number':
      return 'number';
    case 'array':
      return `readonly (${typeOf(schema.items ?? {})})[]`;
    case 'object':
      return objectType(schema);
    default:
      throw new Error(`docs/openapi.json has a type that is not known here: ${type}`);
  }
}

function objectType({ properties, required = [], additionalProperties }: Schema): string {
  if (properties === undefined) {
    return `Readonly<Record<string, ${typeOf(additionalProperties === false ? {} : (additionalProperties ?? {}))}>>`;
  }
  return `{${Object.entries(properties)
    .map(([name, schema]) => member(name, schema, required.includes(name)))
    .join('')}}`;
}

function member(name: string, schema: Schema, isRequired: boolean): string {
  return `${comment(schema.description)}readonly '${name}'${isRequired ? '' : '?'}: ${typeOf(schema)};\n`;
}

function comment(text: string | undefined): string {
  return text === undefined ? '' : `\n/** ${text.replaceAll('*/', '* /')} */\n`;
}
