import { decodeUtf8, parseCasedJson } from '../../content/strict-json.ts';
import { GatewayError } from '../../domain/errors.ts';
import type { Step } from '../../domain/step.ts';
import { joinedHeaderOf, type Headers } from '../../exchange/reading.ts';
import { byteFields } from './protobuf.ts';

const jsonType = /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i;
/** An apply at the server says that it is YAML; kubectl writes it in JSON. */
const yamlType = /^application\/(?:apply-patch\+)?yaml\s*(?:;|$)/i;
const listType = /^application\/json-patch\+json/i;
const protobufType = /^application\/vnd\.kubernetes\.protobuf\s*(?:;|$)/i;
/** The bytes before each object in Protocol Buffers. https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding-idl */
const magic = Buffer.from('k8s\0');
/** Field numbers: of `runtime.Unknown` its type, the object and how that is encoded, of each object its metadata, of that name and namespace. */
const fields = { type: 1, raw: 2, encoding: 3, metadata: 1, name: 1, namespace: 3 } as const;
const nameLengthMax = 512;
const openBrace = 0x7b;

interface Asked {
  readonly headers: Headers;
  readonly body: Uint8Array;
}

/** The facts that a body says. A text that it does not say is empty. */
export interface BodyFacts {
  /** False: it is in a form that is not read here. */
  readonly isReadable: boolean;
  readonly name: string;
  readonly namespace: string;
  /** True if it has options by which a removal is tried alone. */
  readonly isDryRun: boolean;
}

const nothing = { name: '', namespace: '', isDryRun: false } as const;
const unreadable: BodyFacts = { ...nothing, isReadable: false };

/** Reads the object, the patch or the options in a body. Throws GatewayError `malformed` for a body that is not what its type says, or that not all readers read alike. */
export const step: Step<Asked, BodyFacts> = {
  module: import.meta.url,
  take: ({ headers, body }) => {
    const type = joinedHeaderOf(headers, 'content-type');
    if (joinedHeaderOf(headers, 'content-encoding') !== '') {
      return unreadable;
    }
    if (protobufType.test(type)) {
      return readProtobuf(body);
    }
    const isYaml = yamlType.test(type);
    if ((!isYaml && type !== '' && !jsonType.test(type)) || (isYaml && body[0] !== openBrace)) {
      return unreadable;
    }
    return readJson(body, listType.test(type));
  },
};

function readJson(body: Uint8Array, isList: boolean): BodyFacts {
  const value = parseCasedJson(body);
  if (typeof value !== 'object' || value === null || Array.isArray(value) !== isList) {
    throw new GatewayError('malformed', `The body is no ${isList ? 'list' : 'object'} in JSON, which a request of this type has.`);
  }
  const metadata = memberOf(value, 'metadata');
  const trial = memberOf(value, 'dryRun');
  return {
    isReadable: true,
    name: textOf(memberOf(metadata, 'name')),
    namespace: textOf(memberOf(metadata, 'namespace')),
    isDryRun: Array.isArray(trial) && trial.length > 0 && trial.every((each) => each === 'All'),
  };
}

function readProtobuf(body: Uint8Array): BodyFacts {
  if (!Buffer.from(body.subarray(0, magic.length)).equals(magic)) {
    throw new GatewayError('malformed', 'The body does not begin as an object of Kubernetes in Protocol Buffers does.');
  }
  const outer = byteFields(body.subarray(magic.length), new Set([fields.type, fields.raw, fields.encoding]));
  if ((outer.get(fields.encoding)?.length ?? 0) > 0) {
    return unreadable;
  }
  const object = byteFields(outer.get(fields.raw) ?? new Uint8Array(), new Set([fields.metadata]));
  const metadata = byteFields(object.get(fields.metadata) ?? new Uint8Array(), new Set([fields.name, fields.namespace]));
  return { isReadable: true, name: decode(metadata.get(fields.name)), namespace: decode(metadata.get(fields.namespace)), isDryRun: false };
}

function decode(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? '' : textOf(decodeUtf8(bytes));
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? Object(value)[name] : undefined;
}

function textOf(value: unknown): string {
  return typeof value === 'string' && value.length <= nameLengthMax ? value : '';
}
