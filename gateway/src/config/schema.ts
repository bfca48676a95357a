import { z } from 'zod';

const name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'a name is 1 to 63 letters, digits, dots, dashes and underscores, and begins with a letter or digit');

const address = z.string().regex(/^(\[[0-9a-f:.]+\]|[^:]+):\d{1,5}$/i, 'an address is HOST:PORT; port 0 takes any free port');

const secret = z.union(
  [z.strictObject({ env: z.string().min(1) }), z.strictObject({ file: z.string().min(1) })],
  'a secret is not written here: give { env: VARIABLE } or { file: PATH }',
);

const days = z.union([z.int().min(1).max(36_500), z.literal('forever')], 'a number of days, or forever');

const target = z.strictObject({
  protocol: z.string().optional(),
  url: z.string().optional(),
  host: z.string().optional(),
  port: z.int().min(1).max(65_535).optional(),
  user: z.string().optional(),
  database: z.string().optional(),
  password: secret.optional(),
  durability: z.enum(['disk', 'process'], 'disk or process (remote needs a replicated store, which is not there yet)').default('disk'),
  options: z.record(z.string(), z.unknown()).default({}),
});

const principal = z.strictObject({
  kind: z.enum(['human', 'agent'], 'human or agent'),
  groups: z.array(name).default([]),
  targets: z.array(name).default([]),
});

const milliseconds = z.int().min(0).max(86_400_000);
const count = z.int().min(1).max(1_000_000);

const limits = z.strictObject({
  frameBytesMax: z.int().min(65_536).max(1_073_741_823).optional(),
  queuedBytesMax: z.int().min(65_536).max(1_073_741_823).optional(),
  loginMs: milliseconds.optional(),
  dialMs: milliseconds.optional(),
  idleMs: milliseconds.optional(),
  connectionsMax: count.optional(),
  connectionsPerAddressMax: count.optional(),
  loginsPerAddressMax: count.optional(),
});

/** `countersign.yaml` as it is written (DESIGN: the stable contract). `protocols` are the ids that may be listened for. */
export function configSchema(protocols: readonly string[]) {
  const listeners = Object.fromEntries(['http', ...protocols].map((id) => [id, address.optional()]));
  return z.strictObject({
    data: z.string().min(1).default('./countersign-data'),
    listen: z.strictObject(listeners).default({}),
    tls: z.strictObject({ cert: z.string().min(1), key: z.string().min(1) }).optional(),
    targets: z.record(name, target).default({}),
    principals: z.record(name, principal).default({}),
    retention: z.strictObject({ facts: days.default(400), content: days.default(90) }).default({ facts: 400, content: 90 }),
    limits: limits.default({}),
  });
}

export type RawConfig = z.infer<ReturnType<typeof configSchema>>;
export type RawTarget = z.infer<typeof target>;
