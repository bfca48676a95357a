import { MalformedError } from '@countersign/ledger';
import { z } from 'zod';

const name = z.string().max(4096);
const count = z.int().min(0);

const targetFacts = z.object({
  name,
  protocol: name,
  scheme: name,
  host: name,
  port: count,
  path: name,
  options: z.record(z.string(), z.unknown()),
});

/** The part of a record's meta that a reader of bundles needs. Anybody may have made the bundle, so nothing in it is trusted, whoever signed it. */
const schema = z.object({
  channel: count,
  action: name.exactOptional(),
  verdict: name.exactOptional(),
  policies: z.array(name).max(1000).exactOptional(),
  policyVersion: name.exactOptional(),
  reason: z.string().exactOptional(),
  obligations: z
    .array(z.object({ kind: name, parameters: z.record(name, name) }))
    .max(1000)
    .exactOptional(),
  observed: z.object({ verdict: name, policies: z.array(name).max(1000), reason: z.string() }).exactOptional(),
  undecided: z.literal(true).exactOptional(),
  request: count.exactOptional(),
  attributes: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.array(z.string())])).exactOptional(),
  opens: z
    .object({
      principal: name.default(''),
      principalKind: name.default(''),
      groups: z.array(name).max(10_000).default([]),
      onBehalfOf: name.exactOptional(),
      clientAddress: name.default(''),
      target: name,
      protocol: name,
      targets: z.array(targetFacts).max(10_000).default([]),
    })
    .exactOptional(),
});

export type RecordedMeta = z.output<typeof schema>;

/** Parses the meta of a record. Throws `MalformedError`. */
export function parseRecordedMeta(text: string): RecordedMeta {
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw new MalformedError('a record whose facts cannot be read', { cause });
  }
}
