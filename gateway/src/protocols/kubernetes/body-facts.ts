import { decodeUtf8, readStrictJson } from '../../content/strict-json.ts';
import { GatewayError } from '../../domain/errors.ts';
import type { Step } from '../../domain/step.ts';
import { joinedHeaderOf, type Headers } from '../../exchange/reading.ts';
import { byteFields } from './protobuf.ts';

/** JSON, also where it says YAML: kubectl writes JSON for an apply at the server. */
const jsonType = /^application\/(?:(?:[\w.-]+\+)?json|apply-patch\+yaml|yaml)\s*(?:;|$)/i;
const protobufType = /^application\/vnd\.kubernetes\.protobuf\s*(?:;|$)/i;
/** The bytes before each object in Protocol Buffers. https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding-idl */
const magic = Buffer.from('k8s\0');
/** Field numbers: of `runtime.Unknown` its type, the object and how that is encoded, of each object its metadata, of that name and namespace. */
const fields = { type: 1, raw: 2, encoding: 3, metadata: 1, name: 1, namespace: 3 } as const;
const nameLengthMax = 512;

interface Asked {
  readonly headers: Headers;
  readonly body: Uint8Array;
}

/** What a body says. A text that it does not say is empty. */
export interface BodyFacts {
  /** False: not all readers read it alike, or it is in a form that is not read here. */
  readonly isReadable: boolean;
  readonly name: string;
  readonly namespace: string;
  /** True if it has options by which a removal is tried alone. */
  readonly isDryRun: boolean;
  readonly isEmpty: boolean;
}

const nothing = { name: '', namespace: '', isDryRun: false, isEmpty: false } as const;
const unreadable: BodyFacts = { ...nothing, isReadable: false };

/** Reads the object, the patch or the options in a body. It never throws. */
export const step: Step<Asked, BodyFacts> = {
  module: import.meta.url,
  take: ({ headers, body }) => {
    if (body.length === 0) {
      return { ...nothing, isReadable: true, isEmpty: true };
    }
    const type = joinedHeaderOf(headers, 'content-type');
    if (joinedHeaderOf(headers, 'content-encoding') !== '') {
      return unreadable;
    }
    return protobufType.test(type) ? readProtobuf(body) : type === '' || jsonType.test(type) ? readJson(body) : unreadable;
  },
};

function readJson(body: Uint8Array): BodyFacts {
  const json = readStrictJson(body);
  if (json === null) {
    return unreadable;
  }
  const metadata = memberOf(json.value, 'metadata');
  const trial = memberOf(json.value, 'dryRun');
  return {
    isReadable: true,
    name: textOf(memberOf(metadata, 'name')),
    namespace: textOf(memberOf(metadata, 'namespace')),
    isDryRun: Array.isArray(trial) && trial.length > 0 && trial.every((each) => each === 'All'),
    isEmpty: false,
  };
}

function readProtobuf(body: Uint8Array): BodyFacts {
  try {
    if (!Buffer.from(body.subarray(0, magic.length)).equals(magic)) {
      return unreadable;
    }
    const outer = byteFields(body.subarray(magic.length), new Set([fields.type, fields.raw, fields.encoding]));
    if ((outer.get(fields.encoding)?.length ?? 0) > 0) {
      return unreadable;
    }
    const object = byteFields(outer.get(fields.raw) ?? Buffer.alloc(0), new Set([fields.metadata]));
    const metadata = byteFields(object.get(fields.metadata) ?? Buffer.alloc(0), new Set([fields.name, fields.namespace]));
    return { ...nothing, isReadable: true, name: decode(metadata.get(fields.name)), namespace: decode(metadata.get(fields.namespace)) };
  } catch (error) {
    if (error instanceof GatewayError) {
      return unreadable;
    }
    throw error;
  }
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
