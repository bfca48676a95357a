import { readFileSync } from 'node:fs';

interface Attribute {
  readonly type: string;
  readonly required?: true;
  readonly array?: true;
  readonly enum?: readonly number[];
  readonly object?: string;
  /** The attribute is there only in events that name one of these profiles. */
  readonly profiles?: readonly string[];
}

interface Part {
  readonly attributes: Readonly<Record<string, Attribute>>;
  readonly constraints?: { readonly at_least_one?: readonly string[] };
  readonly profiles?: readonly string[];
}

/** The classes and objects of a version. */
interface Schema {
  readonly classes: Readonly<Record<string, Part>>;
  readonly objects: Readonly<Record<string, Part>>;
}

const readSchema = (name: string): unknown => JSON.parse(readFileSync(new URL(name, import.meta.url), 'utf8'));
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the file has this form
const older = readSchema('ocsf-1.8.0.json') as Schema;
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the file has this form
const added = readSchema('ocsf-1.9.0.json') as Pick<Schema, 'objects'> & Pick<Part, 'attributes'> & { readonly profile: string };

const schemas: Readonly<Record<string, Schema>> = {
  '1.8.0': older,
  '1.9.0': {
    classes: Object.fromEntries(
      Object.entries(older.classes).map(([uid, part]) => [
        uid,
        { ...part, attributes: { ...part.attributes, ...added.attributes }, profiles: [...(part.profiles ?? []), added.profile] },
      ]),
    ),
    objects: { ...older.objects, ...added.objects },
  },
};

const forms: Readonly<Record<string, (value: unknown) => boolean>> = {
  integer_t: Number.isSafeInteger,
  long_t: Number.isSafeInteger,
  port_t: Number.isSafeInteger,
  timestamp_t: (value) => Number.isSafeInteger(value) && Number(value) > 0,
  boolean_t: (value) => typeof value === 'boolean',
  float_t: (value) => typeof value === 'number',
  json_t: () => true,
};

/** Returns what is wrong with an event by the schema of its class: attributes that are lacking or unknown, values of another type or outside of an enumeration. */
export function ocsfFaults(event: Readonly<Record<string, unknown>>): readonly string[] {
  const metadata = Object.assign({ version: '', profiles: [] as readonly string[] }, event['metadata']);
  const schema = schemas[metadata.version];
  const part = schema?.classes[String(event['class_uid'])];
  if (part === undefined || schema === undefined) {
    return [`there is no class ${String(event['class_uid'])} of version ${metadata.version}`];
  }
  const unknown = metadata.profiles.filter((profile) => part.profiles?.includes(profile) !== true).map((profile) => `the class has no profile ${profile}`);
  const sum = Number(event['class_uid']) * 100 + Number(event['activity_id']);
  const typed = sum === event['type_uid'] ? [] : [`type_uid is not ${sum}`];
  return [...unknown, ...typed, ...faultsOf(event, part, { path: '', profiles: metadata.profiles, objects: schema.objects })];
}

/** Where a value is, and what counts there. */
interface Place extends Pick<Schema, 'objects'> {
  readonly path: string;
  readonly profiles: readonly string[];
}

function faultsOf(value: unknown, part: Part, place: Place): readonly string[] {
  const { path, profiles } = place;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return [`${path} is no object`];
  }
  const names = Object.keys(value);
  const isMeant = (attribute: Attribute): boolean => attribute.profiles === undefined || attribute.profiles.some((profile) => profiles.includes(profile));
  const lacking = Object.entries(part.attributes).filter(([name, attribute]) => attribute.required === true && isMeant(attribute) && !names.includes(name));
  const anyOf = part.constraints?.at_least_one ?? [];
  return [
    ...lacking.map(([name]) => `${path}.${name} is lacking`),
    ...(anyOf.length === 0 || anyOf.some((name) => names.includes(name)) ? [] : [`${path} has none of ${anyOf.join(', ')}`]),
    ...Object.entries(value).flatMap(([name, member]) => {
      const attribute = part.attributes[name];
      const at = `${path}.${name}`;
      if (attribute === undefined || !isMeant(attribute)) {
        return [`${at} is not in the schema`];
      }
      if (attribute.array === true) {
        return Array.isArray(member) ? member.flatMap((each, i) => faultsOfValue(each, attribute, { ...place, path: `${at}[${i}]` })) : [`${at} is no array`];
      }
      return faultsOfValue(member, attribute, { ...place, path: at });
    }),
  ];
}

function faultsOfValue(value: unknown, attribute: Attribute, place: Place): readonly string[] {
  if (attribute.type === 'object_t') {
    const part = place.objects[attribute.object ?? ''];
    return attribute.object === 'object'
      ? []
      : part === undefined
        ? [`${place.path} is of an object that is not in the reduced schema`]
        : faultsOf(value, part, place);
  }
  const isRight = (forms[attribute.type] ?? ((each: unknown) => typeof each === 'string' && each !== ''))(value);
  return isRight && (attribute.enum === undefined || attribute.enum.includes(Number(value))) ? [] : [`${place.path} is ${JSON.stringify(value)}`];
}
