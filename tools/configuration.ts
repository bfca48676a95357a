/** `node tools/configuration.ts` writes docs/configuration.md from the schemas that the configuration is read with. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { z } from 'zod';
import { isRefused } from '../gateway/src/config/closed.ts';
import { configSchema } from '../gateway/src/config/schema.ts';
import { whatIsLive } from '../gateway/src/config/sections.ts';
import { defaultLimits } from '../gateway/src/domain/limits.ts';
import { listenerOf } from '../gateway/src/domain/protocol.ts';
import { protocols } from '../gateway/src/protocols/registry.ts';

/** A schema of zod with the inner properties that are needed here. */
interface Inside {
  readonly type: string;
  readonly shape?: Readonly<Record<string, z.ZodType>>;
  readonly innerType?: z.ZodType;
  readonly in?: z.ZodType;
  readonly valueType?: z.ZodType;
  readonly element?: z.ZodType;
  readonly options?: readonly z.ZodType[];
  readonly defaultValue?: unknown;
}

interface Field {
  readonly name: string;
  readonly default: string;
  readonly meaning: string;
}

function inside(schema: z.ZodType): Inside {
  return schema.def;
}

/** Returns the object inside a schema that makes it optional, gives it a default, transforms it, or lets another value stand for it; null if it is no object. */
function objectOf(schema: z.ZodType): Readonly<Record<string, z.ZodType>> | null {
  const { type, shape, innerType, in: input, valueType, element, options = [] } = inside(schema);
  if (type === 'object') {
    return shape ?? null;
  }
  const next = innerType ?? input ?? element ?? (type === 'record' ? valueType : options[0]);
  return next === undefined ? null : objectOf(next);
}

function descriptionOf(schema: z.ZodType): string | undefined {
  const { innerType } = inside(schema);
  return schema.description ?? (innerType === undefined ? undefined : descriptionOf(innerType));
}

function defaultOf(schema: z.ZodType): unknown {
  const { type, defaultValue, innerType } = inside(schema);
  return type === 'default' || type === 'prefault' ? defaultValue : innerType === undefined ? undefined : defaultOf(innerType);
}

/** The objects of which the document has a table. */
const described = new Set<Readonly<Record<string, z.ZodType>>>();

/** Describes the fields of an object that may have a value. Throws if one has no description. */
function fieldsOf(shape: Readonly<Record<string, z.ZodType>>, defaults: Readonly<Record<string, unknown>> = {}): Field[] {
  described.add(shape);
  const fields = Object.entries(shape).filter(([, schema]) => !isRefused(schema));
  return fields.map(([name, schema]) => {
    const meaning = descriptionOf(schema);
    if (meaning === undefined) {
      throw new Error(`nobody says what ${name} is: .describe() it`);
    }
    const value = defaults[name] ?? defaultOf(schema);
    return { name, default: printValue(value), meaning };
  });
}

/** Prints a default value. A list is printed as one text; for an empty value, and for one with members of its own, nothing is printed. */
function printValue(value: unknown): string {
  const text = Array.isArray(value)
    ? value.join(',')
    : typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
      ? String(value)
      : '';
  return text === '' ? '' : `\`${text}\``;
}

function table(fields: readonly Field[]): string {
  const rows = fields.map((field) => `| \`${field.name}\` | ${field.default} | ${field.meaning.replaceAll('|', '\\|')} |`);
  return ['| name | default | meaning |', '| --- | --- | --- |', ...rows].join('\n');
}

/** Throws if fields of an object, at whatever depth, have descriptions and are in no table. Those without any are explained where the object stands. */
function assertDescribed(shape: Readonly<Record<string, z.ZodType>>, path: string): void {
  for (const [name, schema] of Object.entries(shape)) {
    const inner = isRefused(schema) ? null : objectOf(schema);
    if (inner !== null) {
      const explained = Object.values(inner).filter((each) => objectOf(each) === null && descriptionOf(each) !== undefined);
      if (explained.length > 0 && !described.has(inner)) {
        throw new Error(`${path}${name} has fields that are in no table`);
      }
      assertDescribed(inner, `${path}${name}.`);
    }
  }
}

function section(name: string): Readonly<Record<string, z.ZodType>> {
  const schema = objectOf(root)?.[name];
  const shape = schema === undefined ? null : objectOf(schema);
  if (shape === null) {
    throw new Error(`${name} is no section of the configuration`);
  }
  return shape;
}

const root: z.ZodType = configSchema({
  protocols: protocols.filter((protocol) => listenerOf(protocol) === protocol.id).map(({ id }) => id),
  parseTarget: () => null,
});

export function configurationDocument(): string {
  const document = written();
  assertDescribed(objectOf(root) ?? {}, '');
  return document;
}

/** Returns the fields of an object by the way to it. */
function below(...path: readonly string[]): Field[] {
  const shape = path.reduce((found, name) => objectOf(found[name] ?? root) ?? {}, objectOf(root) ?? {});
  return fieldsOf(shape);
}

function written(): string {
  const listen = section('listen');
  // Its fields are listed without a table.
  described.add(listen);
  const options = protocols.map(({ id, title, options: schema }) => `### Options of ${title} (\`${id}\`)\n\n${table(fieldsOf(objectOf(schema) ?? {}))}`);
  return `# Configuration

Made by \`node tools/configuration.ts\` from the schemas that the file is read with. \`countersign init\` writes a file to begin with, \`countersign config check\` says what one means.

The file is YAML. Relative paths in it start from its directory, wherever the gateway is started. ${whatIsLive('`')} A changed file is applied when it has stayed the same for a second. Policy decides by the new
tags, mode and options of a target from the next action on, also on connections that are open; where a connection leads, and what a WebSocket reads by the options, stays as it was when it was opened; if the target is another place by now and has other tags or another mode, the connection is ended. A file that is not valid changes
nothing, and the log says where the fault is. A file with none of the present principals is not applied by itself, because it may have been written by mistake: \`countersign config apply --force\` applies it.

${table(fieldsOf(objectOf(root) ?? {}))}

Listeners under \`listen\`: ${Object.keys(listen)
    .map((name) => `\`${name}\``)
    .join(', ')}. \`tls\`:

${table(fieldsOf(section('tls')))}

## Keys

Below \`keys\`. [keys.md](keys.md) says which provider does what.

${table(below('keys'))}

Below \`root\`, and \`previous\`: one of \`file\`, \`env\`, \`vault\`, \`aws-kms\` and \`pkcs11\`, with what belongs to it.

${table(below('keys', 'root'))}

Below \`pkcs11\`:

${table(below('keys', 'root', 'pkcs11'))}

## Object storage

Below \`storage.s3\`. [storage.md](storage.md) says what the bucket gets.

${table(below('storage', 's3'))}

Below \`keepLocal\`:

${table(below('storage', 's3', 'keepLocal'))}

## A shared database

Below \`store.postgres\` ([operating.md](operating.md#several-gateways)).

${table(below('store', 'postgres'))}

## A target

${table(fieldsOf(section('targets')))}

${options.join('\n\n')}

## A principal

${table(fieldsOf(section('principals')))}

## A group

${table(fieldsOf(section('groups')))}

## A role

[roles.md](roles.md) says what each of the built-in roles may do.

${table(fieldsOf(section('roles')))}

## An issuer

Below \`identity.issuers\`, each with the name that begins the names of its principals: \`corp/ann@corp.example\`. [identity.md](identity.md) says what a token must be, and who it stands for.

${table(fieldsOf(objectOf(section('identity')['issuers'] ?? root) ?? {}))}

## Browsers

Below \`identity.browser\`.

${table(fieldsOf(objectOf(section('identity')['browser'] ?? root) ?? {}))}

## A sign-in that is fresh

Below \`identity.fresh\`: times as \`15m\`. Without an entry it does not matter when somebody signed in.

${table(fieldsOf(objectOf(section('identity')['fresh'] ?? root) ?? {}))}

## Approvals

[approvals.md](approvals.md) says who approves and how.

${table(fieldsOf(section('approvals')))}

## Reviews

Below \`reviews.model\` ([sessions.md](sessions.md#reviews)).

${table(below('reviews', 'model'))}

## Witnesses

[witnesses.md](witnesses.md) says how they are asked.

${table(fieldsOf(section('witnesses')))}

## Reports of usage

[reconcile.md](reconcile.md) says what they are compared with.

${table(fieldsOf(section('reconcile')))}

## Timestamps

[timestamps.md](timestamps.md) says how the authority is asked.

${table(fieldsOf(section('timestamps')))}

## A rule for alerts

[alerts.md](alerts.md) lists the built-in ones.

${table(fieldsOf(section('alerts')))}

## A sink

It has one of \`webhook\`, \`slack\`, \`smtp\`, \`ocsf\`, \`syslog\`, \`otlp\` and \`s3\`. [sinks.md](sinks.md) says what each gets.

${table(fieldsOf(section('sinks')))}

${['ocsf', 'smtp', 's3'].map((kind) => `Below \`${kind}\`:\n\n${table(fieldsOf(objectOf(section('sinks')[kind] ?? root) ?? {}))}`).join('\n\n')}

## A class of data

An entry with the name of a built-in class adds to it, any other makes a class. [classes.md](classes.md) has an example.

${table(fieldsOf(section('classes')))}

## Retention

[retention.md](retention.md) says what each is for.

${table(fieldsOf(section('retention')))}

\`default\`:

${table(fieldsOf(objectOf(section('retention')['default'] ?? root) ?? {}))}

\`erase\`:

${table(below('retention', 'erase'))}

A rule of \`rules\`:

${table(fieldsOf(objectOf(section('retention')['rules'] ?? root) ?? {}))}

## Limits

Milliseconds, bytes and counts, as the names say.

${table(fieldsOf(section('limits'), { ...defaultLimits }))}
`;
}

if (import.meta.main) {
  writeFileSync(join(import.meta.dirname, '..', 'docs', 'configuration.md'), configurationDocument());
}
