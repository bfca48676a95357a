import { z } from 'zod';
import type { IdOwner } from '../../domain/action.ts';
import type { OptionsSchema } from '../../domain/options.ts';
import type { Target, TargetFacts } from '../../domain/target.ts';
import { defaultEventBytesMax } from '../../content/event-bytes.ts';
import { linkLocalOption } from '../../wire/link-local.ts';

const bodyBytesMax = 1024 * 1024 * 1024;
const highestEventBytesMax = 64 * 1024 * 1024;

const authSchema = z
  .string()
  .regex(
    /^(bearer|basic|none|aws-sigv4|header:[A-Za-z0-9-]{1,64}|query:[\w.-]{1,64})$/,
    'bearer, basic, none, aws-sigv4, header:NAME or query:NAME is expected',
  );
/** The value of `auth` for requests that are signed as AWS requires. */
export const awsMethod = 'aws-sigv4';
const awsName = z.string().regex(/^[a-z0-9-]{1,64}$/);
const yesOrNo = z.stringbool().or(z.boolean());
const file = z.string().min(1).optional();

const eventBytes = z.coerce
  .number()
  .int()
  .min(1)
  .max(highestEventBytesMax)
  .default(defaultEventBytesMax)
  .describe(
    'How many bytes of one event of an answer, of an answer that is one JSON document, or of an answer that is compressed, are held to be read. A longer one is recorded and passed on as any other; the facts that it would have given are missing, and the record says `countersign.is_whole: false`.',
  );

/** The options of every target over HTTP that are files. */
export const httpFileOptions = ['caFile', 'certFile', 'keyFile'] as const;

/** Options of every target over HTTP. */
const shape = {
  auth: authSchema
    .optional()
    .describe(
      "How the target takes the gateway's credential: `bearer`, `basic`, `header:NAME`, `query:NAME`, `aws-sigv4` or `none`. Without it `basic` where the target has a user, else `bearer`; for models as the provider wants it.",
    ),
  tlsVerify: yesOrNo.default(true).describe("`true`: the chain and the name of the target's certificate are checked."),
  caFile: file.describe('PEM file of the authorities that may have signed the certificate, relative to this file.'),
  certFile: file.describe("PEM file of the gateway's own certificate for the target, with `keyFile`; relative to this file."),
  keyFile: file.describe('PEM file of the key of `certFile`, relative to this file.'),
  awsRegion: awsName.optional().describe('For `aws-sigv4`: the region that the signature is for.'),
  awsService: awsName.optional().describe('For `aws-sigv4`: the service that the signature is for.'),
  encodedSlash: yesOrNo
    .optional()
    .describe('`true`: the target takes `%2F` in a path as part of a name, never as a separator (GitLab, npm scopes); it is decided on, recorded and sent so.'),
  linkLocal: linkLocalOption,
  bodyBytesMax: z.coerce.number().int().min(1).max(bodyBytesMax).default(bodyBytesMax).describe('Longer bodies of requests are refused with 413.'),
  eventBytesMax: eventBytes,
} as const;

const whoseIds = (otherwise: IdOwner) =>
  z
    .enum(['run', 'principal', 'anybody'], 'run, principal or anybody is expected')
    .default(otherwise)
    .describe(
      'A target makes ids that a client sends back later: of a session, a response, a file. This says from whom the gateway takes such an id: with `run` from the run of the principal that got it, with `principal` from any run of that principal, with `anybody` from all. Everybody else is answered as if there were nothing by that id.',
    );

/**
 * Makes the options of a protocol over HTTP: those of all such protocols and its own. `whose` is the default owner of ids, for protocols whose targets give
 * ids.
 */
export function httpOptions(own: z.ZodRawShape, whose?: IdOwner): OptionsSchema {
  const options: z.ZodType<Readonly<Record<string, unknown>>> = z.strictObject({ ...own, ...(whose === undefined ? {} : { ids: whoseIds(whose) }), ...shape });
  return options.refine(({ auth, awsRegion, awsService }) => auth !== awsMethod || (awsRegion !== undefined && awsService !== undefined), {
    path: ['auth'],
    message: 'aws-sigv4 needs awsRegion and awsService',
  });
}

/** The options of every target over HTTP, after parsing. */
export type HttpOptions = z.output<z.ZodObject<typeof shape>>;

/** Returns the owner of the target's ids: the principal in one run, or in any run. Null: everybody may name an id that was given to anybody. */
export function idsAreFor({ options: { ids } }: Target): IdOwner | null {
  return ids === 'run' || ids === 'principal' ? ids : null;
}

/** Returns the most bytes of an event, a document or an encoded answer of this target that are held to read it. */
export function eventBytesMax({ options: { eventBytesMax: bytes } }: Pick<TargetFacts, 'options'>): number {
  return typeof bytes === 'number' ? bytes : defaultEventBytesMax;
}
