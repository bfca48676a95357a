import { z } from 'zod';
import type { IdOwner } from '../../domain/action.ts';
import { GatewayError } from '../../domain/errors.ts';
import type { CallCredential, CallHead } from '../../domain/exchange.ts';
import type { Target } from '../../domain/target.ts';
import { needsWholeBody, readAwsKey, signAws } from './aws-signature.ts';
import type { TargetCall } from './rules.ts';

const bodyBytesMax = 1024 * 1024 * 1024;

/** How the target's credential is given to it; `header` and `query` name where. */
const authSchema = z
  .string()
  .regex(
    /^(bearer|basic|none|aws-sigv4|header:[A-Za-z0-9-]{1,64}|query:[\w.-]{1,64})$/,
    'bearer, basic, none, aws-sigv4, header:NAME or query:NAME is expected',
  );
const awsMethod = 'aws-sigv4';
const awsName = z.string().regex(/^[a-z0-9-]{1,64}$/);

/** Options of a target over HTTP. Those of a URL's query are text. */
const schema = z
  .strictObject({
    /** Without it: `basic` where the target has a user, `bearer` where it has a password alone. */
    auth: authSchema.optional(),
    /** Whether chain and name of the target's certificate are checked. */
    tlsVerify: z.stringbool().or(z.boolean()).default(true),
    /** PEM files: authorities, and a certificate of the gateway's own with its key. */
    caFile: z.string().min(1).optional(),
    certFile: z.string().min(1).optional(),
    keyFile: z.string().min(1).optional(),
    /** For `aws-sigv4`: what the signature is for. */
    awsRegion: awsName.optional(),
    awsService: awsName.optional(),
    /** The target takes a slash in percent encoding as part of a name, never as a separator. */
    encodedSlash: z.stringbool().or(z.boolean()).optional(),
    linkLocal: z.stringbool().or(z.boolean()).default(false),
    /** Longer bodies of requests are refused with 413. */
    bodyBytesMax: z.coerce.number().int().min(1).max(bodyBytesMax).default(bodyBytesMax),
  })
  .refine(({ auth, awsRegion, awsService }) => auth !== awsMethod || (awsRegion !== undefined && awsService !== undefined), {
    path: ['auth'],
    message: 'aws-sigv4 needs awsRegion and awsService',
  });

const idsSchema = z.enum(['run', 'principal', 'anybody'], 'run, principal or anybody is expected');

/** Whose an id is that a target gives in an answer: the principal's, in the same run or in any, or everybody's. Errors: `config_invalid`. */
export function parseIdsOption(raw: unknown, otherwise: IdOwner): z.output<typeof idsSchema> {
  const parsed = idsSchema.default(otherwise).safeParse(raw);
  if (!parsed.success) {
    throw new GatewayError('config_invalid', `ids: ${parsed.error.issues[0]?.message ?? 'not valid'}`);
  }
  return parsed.data;
}

/** Null: everybody may name what the target gave to anybody. */
export function idsAreFor({ options: { ids } }: Target): IdOwner | null {
  return ids === 'run' || ids === 'principal' ? ids : null;
}

export type HttpOptions = z.output<typeof schema>;

/** What it returns is good input again. Errors: `config_invalid`. */
export function parseHttpOptions(raw: Readonly<Record<string, unknown>>): HttpOptions {
  const parsed = schema.safeParse(raw);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new GatewayError('config_invalid', `${issue?.path.join('.') ?? 'options'}: ${issue?.message ?? 'not valid'}`);
  }
  return parsed.data;
}

/** How a target is called by its options. `auth`: where it goes when the options do not say. */
export function targetCall(target: Target, auth?: string): TargetCall {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the configuration was parsed by `parseHttpOptions`
  const options = target.options as HttpOptions;
  const { tlsVerify, caFile, certFile, keyFile } = options;
  const files = { ...(caFile === undefined ? {} : { caFile }), ...(certFile === undefined ? {} : { certFile }), ...(keyFile === undefined ? {} : { keyFile }) };
  const { awsRegion: region = '', awsService: service = '' } = options;
  const method = options.auth ?? auth ?? (target.user === '' ? 'bearer' : 'basic');
  return {
    tls: target.scheme === 'https' ? { verify: tlsVerify, ...files } : null,
    allowLinkLocal: options.linkLocal,
    bodyBytesMax: options.bodyBytesMax,
    allowsEncodedSlash: options.encodedSlash === true,
    givesCredential: target.password !== undefined && method !== 'none',
    needsWholeBody: method === awsMethod && needsWholeBody(service),
    credential: (head, body) =>
      method === awsMethod
        ? signAws(head, body, { ...readAwsKey(target.user, target.password?.() ?? ''), region, service }, new Date())
        : credentialOf(target, method, head),
  };
}

function credentialOf(target: Target, method: string, { path }: CallHead): CallCredential {
  const secret = target.password?.();
  if (secret === undefined || method === 'none') {
    return { headers: [], secrets: [] };
  }
  const secrets = [secret];
  const [kind = '', name = ''] = method.split(':');
  switch (kind) {
    case 'bearer':
      return { headers: [['authorization', `Bearer ${secret}`]], secrets };
    case 'basic': {
      const basic = Buffer.from(`${target.user}:${secret}`).toString('base64');
      return { headers: [['authorization', `Basic ${basic}`]], secrets: [...secrets, basic] };
    }
    case 'header':
      return { headers: [[name.toLowerCase(), secret]], secrets };
    default:
      return {
        headers: [],
        path: withParameter(path, name, encodeURIComponent(secret)),
        secrets: [...secrets, encodeURIComponent(secret)],
      };
  }
}

/** In the place of any of the same name, which may be one that the target gave back in an address. */
function withParameter(path: string, name: string, value: string): string {
  const [place = '', query = ''] = path.split(/\?(.*)/s, 2);
  const others = query.split('&').filter((each) => each !== '' && each.split('=', 1)[0] !== name);
  return `${place}?${[...others, `${name}=${value}`].join('&')}`;
}
