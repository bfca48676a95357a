import { z } from 'zod';
import type { Target } from '../domain/target.ts';
import { suggest } from './suggest.ts';

/** Relative to the configuration file. */
export const defaultData = './countersign-data';

const name = z
  .string('a name is text: put it in quotes')
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'a name is 1 to 63 letters, digits, dots, dashes and underscores, and begins with a letter or digit');
const text = z.string('text is expected').min(1, 'this is empty');
const port = z.int('a port is 1 to 65535').min(1, 'a port is 1 to 65535').max(65_535, 'a port is 1 to 65535');

const address = z
  .string('an address is HOST:PORT')
  .regex(/^(\[[0-9a-f:.]+\]|[^:\s[\]]+):\d{1,5}$/i, 'an address is HOST:PORT; port 0 takes any free port')
  .refine((value) => Number(value.slice(value.lastIndexOf(':') + 1)) <= 65_535, 'a port is 0 to 65535');

const secret = z.union(
  [z.strictObject({ env: text }), z.strictObject({ file: text })],
  'a secret is not written here: give { env: VARIABLE } or { file: PATH }',
);

const days = z.union([z.int().min(1).max(36_500), z.literal('forever')], 'a number of days (1 to 36500), or forever');

const word = z.string('text is expected: put it in quotes').regex(/^[^\0]{0,4096}$/, 'a word of a command is at most 4096 characters');
const command = z.tuple([text], word, 'a program and its arguments are expected: [PROGRAM, ARGUMENT, ...]');
const variable = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,254}$/, 'a variable is named by letters, digits and underscores');

const target = closed({
  protocol: text.optional(),
  url: text.optional(),
  command: command.optional(),
  environment: z
    .record(variable, z.union([word, secret], 'text is expected, or { env: VARIABLE } or { file: PATH }'), 'NAME: VALUE lines are expected')
    .optional(),
  directory: text.optional(),
  host: text.optional(),
  port: port.optional(),
  path: text.optional(),
  user: text.optional(),
  password: secret.optional(),
  durability: z.enum(['disk', 'process'], 'disk or process is expected (remote needs a replicated store, which there is not yet)').default('disk'),
  options: z.record(z.string(), z.unknown(), 'NAME: VALUE lines are expected').default({}),
});

const principal = closed({
  kind: z.enum(['human', 'agent'], 'human or agent is expected'),
  groups: z.array(name, 'a list of names is expected').default([]),
  targets: z.array(name, 'a list of names is expected').default([]),
});

const bytes = whole(65_536, 1_073_741_823, 'bytes');
const milliseconds = whole(100, 86_400_000, 'milliseconds');
const count = whole(1, 1_000_000);

const limits = closed({
  frameBytesMax: bytes.optional(),
  queuedBytesMax: bytes.optional(),
  loginMs: milliseconds.optional(),
  dialMs: milliseconds.optional(),
  idleMs: z.union([z.literal(0), milliseconds], 'milliseconds are expected, or 0 for no limit').optional(),
  sessionIdleMs: milliseconds.optional(),
  sessionAgeMs: milliseconds.optional(),
  sessionRecordsMax: count.optional(),
  connectionsMax: count.optional(),
  connectionsPerAddressMax: count.optional(),
  loginsPerAddressMax: count.optional(),
  silentPerAddressMax: count.optional(),
});

export type RawTarget = z.output<typeof target>;

/** Says what is wrong with a field. */
export type Wrong = (field: keyof RawTarget, message: string) => null;

/** A target as far as its own lines tell; its name stands above them. */
export type UnnamedTarget = Omit<Target, 'name'>;

export interface SchemaOptions {
  /** Ids that may be listened for. */
  readonly protocols: readonly string[];
  /** Called for each target that has the right shape; says what else is wrong with it, by field. */
  readonly parseTarget: (raw: RawTarget, wrong: Wrong) => UnnamedTarget | null;
}

/** `countersign.yaml` as it is written (DESIGN: the stable contract). */
export function configSchema({ protocols, parseTarget }: SchemaOptions) {
  const listeners = Object.fromEntries(['http', ...protocols].map((id) => [id, address.optional()]));
  const parsedTarget = target.transform((raw, context) => {
    const wrong: Wrong = (field, message) => {
      context.addIssue({ code: 'custom', path: [field], message });
      return null;
    };
    return parseTarget(raw, wrong) ?? z.NEVER;
  });
  return closed({
    data: text.default(defaultData),
    listen: closed(listeners).default({}),
    tls: closed({ cert: text, key: text }).optional(),
    rootKey: secret.optional(),
    targets: z.record(name, parsedTarget, 'NAME: and below it what the target is').default({}),
    principals: z.record(name, principal, 'NAME: and below it who the principal is').default({}),
    retention: closed({ facts: days.default(400), content: days.default(90) }).prefault({}),
    limits: limits.default({}),
  });
}

export type RawConfig = z.output<ReturnType<typeof configSchema>>;

/** An object with these keys and no others; one line about each key that is not known, in the order of the issue's `keys`. */
function closed<Shape extends z.ZodRawShape>(shape: Shape): z.ZodObject<Shape, z.core.$strict> {
  const known = Object.keys(shape);
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys' ? issue.keys.map((key) => unknownKey(key, known)).join('\n') : `${known.join(', ')} are expected here`,
  });
}

function unknownKey(key: string, known: readonly string[]): string {
  const meant = suggest(key, known);
  return meant === null ? `this is not known here; known are ${known.join(', ')}` : `this is not known here: is ${meant} meant?`;
}

function whole(min: number, max: number, unit = ''): z.ZodInt {
  const message = `a whole number${unit === '' ? '' : ` of ${unit}`} from ${min} to ${max} is expected`;
  return z.int(message).min(min, message).max(max, message);
}
