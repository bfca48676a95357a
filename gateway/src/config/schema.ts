import { z } from 'zod';
import { builtInRoles, faultsOfRole, type BuiltInRoleName } from '../access/roles.ts';
import { actNames } from '../domain/recording-acts.ts';
import { faultOfPattern } from '../classes/pattern.ts';
import { parseWorkingHours, severities } from '../domain/alert.ts';
import { daysMax, durationUnits, formatDays, parseDays } from '../domain/duration.ts';
import { localIssuer } from '../domain/local-administrator.ts';
import type { Target } from '../domain/target.ts';
import { faultsOfRetention, longerOf, rulesMax, standardKept, type KeptFor, type RetentionSettings } from '../retention/retention-rules.ts';
import { defaultData } from './sections.ts';
import { closed } from './closed.ts';
import { refuseSinkUrl } from '../domain/sink.ts';
import { faultOfWebAddress, isInTheClear } from '../domain/web-address.ts';

/** The longest time that a held request may wait. */
const waitMsMax = 7 * 86_400_000;

const daysExpected = 'a time with its unit is expected: 30d, 6w, or 7y of 365 days each, at most 100y';

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

const days = z
  .string(daysExpected)
  .refine((written) => parseDays(written) !== null, daysExpected)
  .transform((written) => parseDays(written) ?? daysMax);
const daysOrForever = z.union([z.literal('forever').transform(() => null), days], `${daysExpected}, or forever`);

const word = z.string('text is expected: put it in quotes').regex(/^[^\0]{0,4096}$/, 'a word of a command is at most 4096 characters');
const command = z.tuple([text], word, 'a program and its arguments are expected: [PROGRAM, ARGUMENT, ...]');
const variable = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,254}$/, 'a variable is named by letters, digits and underscores');

const className = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,62}$/, 'the name of a class is 1 to 63 small letters, digits and dashes')
  .refine((written) => written !== 'unknown', 'no class is called unknown: it stands for what nobody could look at');

const target = closed({
  protocol: text.optional().describe('The id of the protocol that the target speaks. Needed where the scheme of the URL does not say it.'),
  url: text.optional().describe('`SCHEME://USER@HOST:PORT/PATH`, without a password; options may be in its query.'),
  command: command
    .optional()
    .describe('A program instead of an address: `[PROGRAM, ARGUMENT, ...]`. The gateway starts it and speaks MCP with it over its standard input and output.'),
  environment: z
    .record(variable, z.union([word, secret], 'text is expected, or { env: VARIABLE } or { file: PATH }'), 'NAME: VALUE lines are expected')
    .optional()
    .describe('Variables that the program gets in addition to PATH, HOME and LANG. Each is text or a secret.'),
  directory: text.optional().describe('The directory that the program starts in, relative to this file; by default that of this file.'),
  host: text.optional().describe('The host of the target, if `protocol` is given instead of `url`.'),
  port: port.optional().describe('The port of the target, if `protocol` is given instead of `url`.'),
  path: text.optional().describe('The database, or the path that requests are below, if `protocol` is given instead of `url`.'),
  user: text.optional().describe('The user at the target, if `protocol` is given instead of `url`.'),
  password: secret
    .optional()
    .describe("The gateway's credential at the target: `{ env: VARIABLE }` or `{ file: PATH }`, read each time it is needed. Nobody else has it."),
  durability: z
    .enum(['disk', 'process', 'remote'], 'disk, process or remote is expected')
    .default('disk')
    .describe(
      'Where a record must be before the recorded bytes move on: `disk` survives a loss of power, `process` the death of the gateway, `remote` the loss of the machine: it is on the disk, and the bucket of `storage` has accepted it ([storage.md](storage.md#durability-remote)).',
    ),
  tags: z
    .record(name, z.string('text is expected').max(256, 'a tag is at most 256 characters'), 'NAME: TEXT lines are expected')
    .optional()
    .describe('Facts about the target that policy is told, for instance `environment: production`; at most 256 characters each.'),
  inspect: z
    .array(className, 'a list of classes is expected')
    .optional()
    .describe('Data classes whose values are looked for in requests and answers, and followed, also where nothing is masked ([masks.md](masks.md#inspect)).'),
  mode: z
    .enum(['enforce', 'observe'], 'enforce or observe is expected')
    .optional()
    .describe('`observe`: what the policies of `policies` decide for this target is recorded and not enforced; the grants are.'),
  options: z
    .record(z.string(), z.unknown(), 'NAME: VALUE lines are expected')
    .default({})
    .describe('Options that only targets of this protocol have, listed below.'),
});

/** A name, or an e-mail address. */
const principalName = z
  .string('a name is text: put it in quotes')
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._@+-]{0,253}$/,
    'a principal is named by 1 to 254 letters, digits, dots, dashes, underscores, + and @, and the name begins with a letter or digit; principals of an issuer get grants by groups',
  );

const certificate = closed({
  uri: text.max(2_048).optional(),
  dns: text.max(253).optional(),
  email: text.max(320).optional(),
  sha256: text
    .regex(/^(?:[0-9a-f]{2}:?){31}[0-9a-f]{2}$/i, 'the SHA-256 digest of the certificate is expected: openssl x509 -noout -fingerprint -sha256')
    .optional(),
}).refine((names) => Object.keys(names).length === 1, 'a certificate is known by one of uri, dns, email, sha256');

const publicKey = text.regex(
  /^(?:ssh-ed25519|ecdsa-sha2-nistp(?:256|384|521)|ssh-rsa) [A-Za-z0-9+/]{40,4000}={0,2}(?: .*)?$/,
  'a public key is written as in a file .pub: ssh-ed25519 AAAA…',
);
const publicKeysMax = 20;

const kindExpected = 'human or agent is expected';

const principal = closed({
  kind: z
    .enum(['human', 'agent'], kindExpected)
    .optional()
    .describe('`human` or `agent`. Every record has it. May be left out of a principal with `issuer`, which is then a human.'),
  groups: z
    .array(name, 'a list of names is expected')
    .default([])
    .describe(
      'Names of groups. Every record has them. `admins` use the API with their own token, `auditors` read the public log, the metrics, and for how long what is kept, and `roles` gives others more.',
    ),
  targets: z.array(name, 'a list of names is expected').default([]).describe('The targets that it may reach.'),
  issuer: name.optional().describe('The name of an issuer under `identity`. A token of this issuer for `subject` stands for this principal.'),
  subject: text.max(255, 'a subject is at most 255 characters').optional().describe('The claim `sub` of such a token.'),
  certificate: certificate
    .optional()
    .describe(
      'The client certificate that stands for this principal, by one of its names: `{ uri: "spiffe://corp/nightly" }`, `{ dns: NAME }`, `{ email: ADDRESS }`, or by its digest: `{ sha256: HEX }` ([identity.md](identity.md#client-certificates)).',
    ),
  sshKeys: z
    .array(publicKey, 'a list of public keys is expected')
    .max(publicKeysMax, `at most ${publicKeysMax} keys`)
    .default([])
    .describe('Public keys that stand for this principal over SSH, in place of a token: `["ssh-ed25519 AAAA…"]` ([identity.md](identity.md#ssh-keys)).'),
  sshCertificates: z
    .array(
      closed({ authority: publicKey, principal: text.max(255, 'a principal is at most 255 characters') }),
      'a list of authorities and principals is expected',
    )
    .max(publicKeysMax, `at most ${publicKeysMax} certificates`)
    .default([])
    .describe(
      'The certificates of OpenSSH that stand for this principal over SSH: those that this authority has signed for this name (`ssh-keygen -n`), as `[{ authority: "ssh-ed25519 AAAA…", principal: ann }]` ([identity.md](identity.md#certificates-of-openssh)).',
    ),
}).superRefine(({ kind, issuer, subject }, context) => {
  if (kind === undefined && issuer === undefined) {
    context.addIssue({ code: 'custom', path: ['kind'], message: kindExpected });
  }
  if ((issuer === undefined) !== (subject === undefined)) {
    context.addIssue({ code: 'custom', message: 'issuer and subject stand together: { issuer: NAME, subject: "the claim sub of its tokens" }' });
  }
});

const group = closed({
  targets: z.array(name, 'a list of names is expected').default([]).describe('The targets that all members may reach.'),
  issuers: z
    .array(name, 'a list of names is expected')
    .optional()
    .describe('The issuers whose claim makes somebody a member. Needed where there are several issuers; otherwise the one that there is.'),
});

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the table has no other keys
const roleNames = Object.keys(builtInRoles) as BuiltInRoleName[];

const role = closed({
  role: z
    .enum(roleNames, `${roleNames.join(', ')} are expected`)
    .optional()
    .describe('The built-in role that it is. Needed where the name is not that of a built-in role.'),
  groups: z.array(name, 'a list of names is expected').min(1, 'a role is given to groups: [GROUP]').describe('The groups whose members have the role.'),
  may: z
    .array(z.enum(actNames, `${actNames.join(', ')} are expected`))
    .optional()
    .describe('Only these of the acts of the built-in role, as `[list, facts]`. Absent: all of them.'),
  query: text.optional().describe('Only for records for which this query holds: `target:orders`. It cannot ask for words of the text.'),
  since: text.optional().describe('Only for records from this time on: `2026-10-01`, in UTC.'),
  until: text.optional().describe('Only for records up to this time.'),
  expires: text.optional().describe('When the role ends.'),
});

const claim = text.max(256, 'a claim is at most 256 characters');

const webAddress = (faultOf: (written: string) => string | null): typeof text =>
  text.superRefine((written, context) => {
    const message = faultOf(written);
    if (message !== null) {
      context.addIssue({ code: 'custom', message });
    }
  });

const issuer = closed({
  url: webAddress((written) => faultOfWebAddress(written, 'an issuer is asked only over https://, or on this machine')).describe(
    'The address of the issuer, exactly as its tokens have it in the claim `iss`. Its keys are found by what it publishes below `/.well-known/openid-configuration`.',
  ),
  clientId: text.describe(
    'The id of the client, registered at the issuer, as which `countersign login` signs people in: a public client that may use authorization codes with PKCE, or the device flow.',
  ),
  clientSecret: secret
    .optional()
    .describe(
      'The secret of the client, if the issuer gave it one: `{ env: VARIABLE }` or `{ file: PATH }`. Browsers sign in at the gateway with it; `countersign login` does without, so the client must be one that may do both, or have no secret.',
    ),
  scim: secret
    .optional()
    .describe(
      'The secret with which the directory of the issuer tells at `/scim/v2` who has left, at least 32 characters: `{ env: VARIABLE }` or `{ file: PATH }` ([identity.md](identity.md#leavers)).',
    ),
  audience: text.describe('A token is accepted only if its claim `aud` is or has this text. Tokens of the issuer for anything else are refused.'),
  scope: text
    .default('openid email offline_access')
    .describe(
      'The scopes that `countersign login` asks for. With `offline_access` most issuers give a refresh token, so that nobody has to sign in again when a token ends.',
    ),
  groups: claim
    .optional()
    .describe(
      'The claim with the groups: a list of texts, or one text. Only groups count that `groups` or `roles` of this file name ([identity.md](identity.md#who-a-token-stands-for)). Absent: no token names a group.',
    ),
  principal: claim
    .default('sub')
    .describe('The claim that names its principals. An e-mail address of `email` is taken in small letters, and not where `email_verified` is false.'),
  caFile: text
    .optional()
    .describe("PEM file of the authorities that may have signed the issuer's certificate, in place of those of the system; relative to this file."),
});

/** Most issuers. */
const issuersMax = 20;

const columnPlace = /^[^\s/:]+\/[^\s.]+\.[^\s.]+\.[^\s.]+$/;
/** Matches the place of a member. A name has at most the 64 characters that are compared. */
const fieldPlace = /^[^\s/:]+:(?:\/[^\s/]{1,64})+$/;

/** Most sinks. */
const sinksMax = 20;

/** Kinds of sinks, as they are called in the configuration. */
const sinkKinds = ['webhook', 'slack', 'smtp', 'ocsf', 'syslog', 'otlp', 's3'] as const;

const mailAddress = text.max(254).regex(/^[^\s<>,;:"()[\]@]+@[^\s<>,;:"()[\]@]+$/, 'an address is NAME@HOST');

const sinkUrl = webAddress(refuseSinkUrl);

const sink = closed({
  webhook: sinkUrl.optional().describe('`https://HOST/PATH` of a receiver of Standard Webhooks; `http://` only on this machine.'),
  secret: secret
    .optional()
    .describe(
      '`{ env: VARIABLE }` or `{ file: PATH }`. Of a webhook, the secret of its signatures: `whsec_` and 24 to 64 random bytes in base64; while it is changed, both with a space between. Of `otlp`, the value of the header `Authorization`; of `smtp`, the password; of `s3`, the secret access key.',
    ),
  slack: secret.optional().describe('The address of an incoming webhook of Slack, which is a credential itself: `{ env: VARIABLE }` or `{ file: PATH }`.'),
  caFile: text
    .optional()
    .describe("PEM file of the authorities that may have signed the receiver's certificate, in place of those of the system; relative to this file."),
  text: z
    .boolean('true or false is expected')
    .default(false)
    .describe('True: the text of requests and what people wrote leave the gateway too. Otherwise only facts do.'),
  ocsf: closed({ file: text.describe('The file, relative to this one. It may be moved away at any time, as programs that rotate logs do.') })
    .optional()
    .describe('A file to which each record is appended as a line of JSON: an event of OCSF 1.8.'),
  syslog: text
    .regex(/^tls:\/\/(\[[0-9a-f:.]+\]|[^:/\s[\]]+)(:\d{1,5})?$/i, 'tls://HOST:PORT is expected')
    .optional()
    .describe('`tls://HOST:6514` of a receiver of syslog over TLS (RFC 5424, RFC 5425). Its messages are events of OCSF.'),
  otlp: webAddress((written) => faultOfWebAddress(written, null))
    .optional()
    .describe(
      '`https://HOST:4318` of a collector of OpenTelemetry, which gets logs over HTTP in JSON. With `http://`, which is in the clear to other machines, it gets facts alone: without `text` and `secret`.',
    ),
  smtp: closed({
    url: text
      .regex(/^smtps?:\/\/(?:[^\s:/]+@)?[^\s:/@]+(:\d{1,5})?$/i, 'smtps://USER@HOST:PORT is expected, without a password')
      .describe('`smtps://USER@HOST:465`, or `smtp://USER@HOST:587` for STARTTLS, which is demanded.'),
    from: mailAddress.describe('The address of the sender.'),
    to: z.array(mailAddress, 'a list of addresses is expected').min(1).max(50).describe('The addresses of the receivers.'),
  })
    .optional()
    .describe('A mail server, for notices by mail. `secret` is the password of its user.'),
  s3: closed({
    url: sinkUrl.describe('`https://HOST/BUCKET/PREFIX`; `http://` only on this machine.'),
    region: text.max(64).default('us-east-1').describe('The region, which is part of signatures.'),
    accessKeyId: text.max(128).describe('The id of the access key.'),
  })
    .optional()
    .describe('An S3-compatible bucket, which gets objects of lines, each an event of OCSF. `secret` is the secret access key.'),
  query: text
    .optional()
    .describe('The records that a sink of `ocsf`, `syslog`, `otlp` or `s3` gets, in the [language of queries](search.md#queries). Absent: all.'),
}).superRefine((written, context) => {
  const kinds = sinkKinds.filter((kind) => written[kind] !== undefined);
  const [kind] = kinds;
  const { secret: key, caFile, query } = written;
  const place = written.webhook ?? written.otlp ?? written.s3?.url ?? '';
  const message =
    kind === undefined || kinds.length > 1
      ? `a sink has one of ${sinkKinds.join(', ')}`
      : kind === 'webhook' && key === undefined
        ? 'a webhook needs a secret for its signatures: { env: VARIABLE } or { file: PATH }'
        : kind === 's3' && key === undefined
          ? 's3 needs a secret, the secret access key: { env: VARIABLE } or { file: PATH }'
          : (kind === 'slack' || kind === 'ocsf' || kind === 'syslog') && key !== undefined
            ? `${kind} has no signatures and no password: leave secret out`
            : caFile !== undefined && (kind === 'ocsf' || place.startsWith('http://'))
              ? 'there is no certificate: leave caFile out'
              : isInTheClear(written.otlp ?? '') && (key !== undefined || written.text)
                ? 'over http:// to another machine go facts alone, and no credential: leave secret and text out, or use https://'
                : query !== undefined && (kind === 'webhook' || kind === 'slack' || kind === 'smtp')
                  ? 'query is for sinks that follow the record; a rule under alerts says what is told'
                  : null;
  if (message !== null) {
    context.addIssue({ code: 'custom', message });
  }
});

const dataClass = closed({
  columns: z
    .array(text.regex(columnPlace, 'TARGET/SCHEMA.TABLE.COLUMN is expected; * stands for any name'), 'a list of columns is expected')
    .default([])
    .describe('Columns whose values are of the class, each `TARGET/SCHEMA.TABLE.COLUMN`; `*` stands for any name.'),
  fields: z
    .array(
      text.regex(fieldPlace, 'TARGET:/MEMBER/MEMBER is expected, with at most 64 characters in each; * stands for any member or index'),
      'a list of fields is expected',
    )
    .default([])
    .describe('Members of JSON whose values are of the class, each `TARGET:/MEMBER/MEMBER`; `*` stands for any member or index.'),
  pattern: text
    .optional()
    .superRefine((pattern, context) => {
      const fault = pattern === undefined ? null : faultOfPattern(pattern);
      if (fault !== null) {
        context.addIssue({ code: 'custom', message: fault });
      }
    })
    .describe(
      'What a value looks like: a regular expression without references to groups and without what looks ahead or behind ([classes.md](classes.md#patterns)).',
    ),
  words: text.optional().describe('A file with a word or phrase in each line. Each of them is a value, whole and in any case.'),
  classes: z
    .array(className, 'a list of classes is expected')
    .default([])
    .describe('Classes whose values are of this class too, built-in ones or others of this file.'),
  twoPersons: z
    .boolean('true or false is expected')
    .default(false)
    .describe(
      'True: content with values of the class that were found is read over the API only when a second person has opened it ([roles.md](roles.md#two-persons)).',
    ),
}).refine(
  ({ columns, fields, pattern, words, classes, twoPersons }) =>
    columns.length + fields.length + classes.length > 0 || pattern !== undefined || words !== undefined || twoPersons,
  'a class has columns, fields, a pattern, words or classes',
);

const duration = z
  .string('a time is text like 10m')
  .regex(/^[1-9]\d{0,5}[smhd]$/, 'a time is a number with s, m, h or d: 90s, 10m, 1h')
  .refine((written) => durationMs(written) <= waitMsMax, 'this is at most 7d');
const sharedStore = closed({
  url: z
    .union([text, secret], 'postgres://USER@HOST:PORT/DATABASE is expected, or { env: VARIABLE } or { file: PATH }')
    .describe(
      '`postgres://USER@HOST:PORT/DATABASE`, or where that is: `{ env: VARIABLE }` or `{ file: PATH }`, and then a password may be in it. The database is for this alone; a pooler in between must leave each client its own connection.',
    ),
  password: secret.optional().describe('The password of the user: `{ env: VARIABLE }` or `{ file: PATH }`, read at a start.'),
  key: secret.describe(
    'A secret that all gateways of the store have and the database does not, at least 32 characters: `{ env: VARIABLE }` or `{ file: PATH }`. They seal with it what they write.',
  ),
  caFile: text
    .optional()
    .describe("PEM file of the authorities that may have signed the database's certificate, in place of those of the system; relative to this file."),
  tls: z
    .enum(['verify-full', 'off'], 'verify-full or off is expected')
    .optional()
    .describe('`verify-full`, or `off`: without TLS. By default `off` for a database on this machine alone, if there is no `caFile`.'),
  stale: duration
    .default('30s')
    .refine((written) => durationMs(written) >= 2_000 && durationMs(written) <= 60_000, 'a time from 2s to 1m is expected')
    .describe(
      'For so long credentials are accepted while the database cannot be asked whether another gateway has ended them, from `2s` to `1m`. Then what was opened with one ends, and none is accepted until it can be asked.',
    ),
});

export type RawSharedStore = z.output<typeof sharedStore>;

const objectStorage = closed({
  bucket: z
    .string('the name of a bucket is expected')
    .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'the name of a bucket is 3 to 63 small letters, digits, dots and dashes')
    .describe('The name of the bucket, which exists.'),
  region: text.max(64).default('us-east-1').describe('The region of the bucket, which is part of signatures.'),
  endpoint: text
    .refine((written) => /^https?:$/.test(URL.parse(written)?.protocol ?? '') && !/[?#]/.test(written), 'https://HOST:PORT is expected')
    .optional()
    .describe("`https://HOST:PORT` of a server that is not AWS's."),
  prefix: z
    .string('text is expected')
    .regex(/^([A-Za-z0-9][A-Za-z0-9._-]*\/)*$/, 'letters, digits, dots, dashes and underscores between slashes are expected, with a slash at the end')
    .max(256, 'a prefix is at most 256 characters')
    .default('')
    .describe('What the names of all objects begin with, with a slash at its end: `audit/`. The id of the gateway follows.'),
  caFile: text
    .optional()
    .describe("PEM file of the authorities that may have signed the server's certificate, in place of those of the system; relative to this file."),
  accessKeyId: secret.optional().describe('The id of the access key: `{ env: VARIABLE }` or `{ file: PATH }`; AWS_ACCESS_KEY_ID unless given.'),
  secretAccessKey: secret
    .optional()
    .describe(
      'The access key, or the JSON that a `credential_process` prints: `{ env: VARIABLE }` or `{ file: PATH }`; AWS_SECRET_ACCESS_KEY unless given. It is read anew for each request.',
    ),
  sessionToken: secret.optional().describe('The token of a temporary key; AWS_SESSION_TOKEN where that is set and no key is given here.'),
  lock: z
    .enum(['compliance', 'governance'], 'compliance or governance is expected')
    .optional()
    .describe(
      'Object Lock for segments, for as long as the longest time under `retention`. The bucket must have been made with it. What is recorded is deleted all the same, with its keys.',
    ),
  keepLocal: closed({
    days: whole(0, 36_500, 'days').optional().describe('Segments that ended longer ago are removed here.'),
    bytes: whole(0, Number.MAX_SAFE_INTEGER, 'bytes').optional().describe('Segments are removed here, oldest first, while they have more bytes than that.'),
  })
    .default({})
    .describe('What of the journal stays in the data directory once the bucket and the indexes have it. Neither: all of it.'),
  behind: duration.default('10m').describe('The bucket may be behind for so long before that is recorded, and the alert `archive-behind` raised.'),
});

const providerKinds = ['file', 'env', 'vault', 'aws-kms', 'pkcs11'] as const;
const serverAddress = text.refine((written) => /^https?:$/.test(URL.parse(written)?.protocol ?? '') && !/[?#]/.test(written), 'https://HOST:PORT is expected');
const rootProvider = closed({
  file: text.optional().describe('A file with a key of 64 hex digits, relative to this file.'),
  env: text.optional().describe('A variable with a key of 64 hex digits.'),
  vault: serverAddress
    .refine((written) => /\/v1\/.+\/keys\/[^/]+$/.test(written), 'https://HOST/v1/transit/keys/NAME is expected')
    .optional()
    .describe('A key of the transit engine of Vault or OpenBao: `https://HOST/v1/transit/keys/NAME`.'),
  token: secret.optional().describe('The token for `vault`, read each time it is needed: `{ env: VARIABLE }` or `{ file: PATH }`.'),
  'aws-kms': text
    .regex(/^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:(key|alias)\/[\w/-]{1,256}$/, 'arn:aws:kms:REGION:ACCOUNT:key/ID is expected')
    .optional()
    .describe('A symmetric key of AWS KMS, by its ARN.'),
  endpoint: serverAddress.optional().describe("`https://HOST:PORT` of a server that is not AWS's, or of an endpoint in a VPC."),
  accessKeyId: secret.optional().describe('The id of the access key for `aws-kms`; AWS_ACCESS_KEY_ID unless given.'),
  secretAccessKey: secret.optional().describe('The access key, or the JSON that a `credential_process` prints; AWS_SECRET_ACCESS_KEY unless given.'),
  sessionToken: secret.optional().describe('The token of a temporary key; AWS_SESSION_TOKEN where that is set and no key is given here.'),
  caFile: text
    .optional()
    .describe("PEM file of the authorities that may have signed the server's certificate, in place of those of the system; relative to this file."),
  pkcs11: closed({
    module: text.describe("The library of the token's maker, such as `/usr/lib/softhsm/libsofthsm2.so`; relative to this file."),
    token: text.max(32, 'the label of a token is at most 32 characters').describe('The label of the token.'),
    key: text
      .regex(/^([0-9a-fA-F]{2}){1,64}$/, 'the id of the key is expected in hex, in quotes: "01"')
      .describe('The id of an AES key in it, in hex and in quotes.'),
    pin: secret.describe('The PIN of its user: `{ env: VARIABLE }` or `{ file: PATH }`.'),
  })
    .optional()
    .describe('An AES key in a token that speaks PKCS#11. `pkcs11-tool` of OpenSC must be installed.'),
}).superRefine((written, context) => {
  if (providerKinds.filter((kind) => written[kind] !== undefined).length !== 1) {
    context.addIssue({ code: 'custom', message: `one of ${providerKinds.join(', ')} is expected` });
  }
  if ((written.vault === undefined) !== (written.token === undefined)) {
    context.addIssue({ code: 'custom', message: 'vault and token stand together: { vault: "https://HOST/v1/transit/keys/NAME", token: { file: PATH } }' });
  }
});

export type RawRootProvider = z.output<typeof rootProvider>;

const recipientsMax = 20;

export type RawObjectStorage = z.output<typeof objectStorage>;

/** Most rules for alerts that a file has. */
const alertsMax = 200;
const alertRule = closed({
  query: text.optional().describe('The records that are counted, in the [language of queries](search.md#queries). Times are for `window` and `outside`.'),
  count: whole(1, 1000).optional().describe('An alert is raised when so many records of a group come within the window; 1 unless it is given.'),
  window: duration.optional().describe('The time within which they come: `1m`, `1h`; `1h` unless it is given.'),
  by: z
    .union([text, z.array(text).max(4, 'at most 4 fields')], 'a field is expected, or a list of fields')
    .optional()
    .describe('The field, or fields, whose values make a group: `principal`. Records of different groups are counted apart.'),
  severity: z
    .enum(severities, `one of ${severities.join(', ')} is expected`)
    .optional()
    .describe(`How serious it is: ${severities.map((each) => `\`${each}\``).join(', ')}; \`medium\` unless it is given.`),
  outside: z
    .string('working hours are expected')
    .refine((written) => parseWorkingHours(written) !== null, 'working hours are written mon-fri 08:00-18:00 Europe/Berlin')
    .optional()
    .describe('Working hours, as `mon-fri 08:00-18:00 Europe/Berlin`: only records outside of them count.'),
  unseen: z
    .string()
    .regex(/^[1-9]\d{0,2}d$/, 'a number of days is expected: 30d')
    .optional()
    .describe('Only the first record of a group counts after so many days without one: `30d`.'),
  to: z
    .array(name, 'a list of names is expected')
    .optional()
    .describe('The sinks of `webhook`, `slack` or `smtp` that get a notice. Absent: it is on record, and in the list of alerts.'),
});

const browser = closed({
  url: text
    .refine(
      (written) => faultOfWebAddress(written, 'sign-ins are not encrypted') === null && new URL(written).origin === written,
      'https://HOST is expected, without a path',
    )
    .optional()
    .describe(
      'The address at which browsers reach the gateway, `https://HOST`. Needed where something before the gateway ends TLS, and for passkeys anywhere but on its own machine; by default the address that the browser names.',
    ),
  idle: duration.default('30m').describe('A session of a browser ends after this time without a request.'),
  age: duration.default('12h').describe('A session of a browser ends after this time, and who signed in at the issuer longer ago signs in there again.'),
});

const fresh = closed({
  export: duration.optional().describe('How long ago somebody may have signed in who exports sessions.'),
  approve: duration.optional().describe('The same for who grants or denies an approval.'),
  content: duration.optional().describe('The same for who reads the content of records. Longer ago, facts alone are shown.'),
  policies: duration.optional().describe('The same for who saves a file of policies ([policy.md](policy.md#in-a-browser)).'),
});

/** A setting that is written in another place. */
const elsewhere = z.never('this is written default: { keep: 90d, facts: 400d }, where keep is for contents').optional();

const keptFor = closed({
  keep: daysOrForever.describe('For how long contents are kept.'),
  facts: daysOrForever
    .optional()
    .describe(
      `For how long facts are kept: who did what, where and when. At least as long as contents. Absent: as by default, which is \`${formatDays(standardKept.facts)}\` unless it says otherwise, or as long as contents if that is longer.`,
    ),
  floor: days.optional().describe('For so long nobody can erase it earlier, whatever the reason.'),
});

function openKept({ keep, facts, floor }: z.output<typeof keptFor>, factsByDefault: number | null): KeptFor {
  return { content: keep, facts: facts === undefined ? longerOf(factsByDefault, keep) : facts, floor: floor ?? null };
}

const retention = closed({
  default: keptFor
    .extend({ keep: keptFor.shape.keep.prefault(formatDays(standardKept.content)) })
    .prefault({})
    .describe('For what no rule is about.'),
  rules: z
    .array(
      closed({
        query: text.describe(
          'The records that the rule is about, in the [language of queries](search.md#queries). One that asks only for `principal`, `group`, `on-behalf-of`, `target`, `protocol` and `environment` may keep for a shorter time than the default; any other can only lengthen.',
        ),
        ...keptFor.shape,
      }),
      'a list of rules is expected: [{ query: "target:orders", keep: 6y }]',
    )
    .max(rulesMax, `there are at most ${rulesMax} rules`)
    .default([])
    .describe('Rules. Of those that hold for a record the longest counts, for contents and for facts apart.'),
  erase: closed({ twoPersons: z.boolean().default(false).describe('Two persons erase what a query finds: one asks, and another confirms.') })
    .prefault({})
    .describe('How something is erased before its time ([retention.md](retention.md#erasing)).'),
  facts: elsewhere,
  content: elsewhere,
})
  .transform(({ default: written, rules, erase: { twoPersons } }): RetentionSettings => {
    const standard = openKept(written, standardKept.facts);
    return {
      default: standard,
      rules: rules.map(({ query, ...rule }) => ({ query, ...openKept(rule, standard.facts) })),
      ...(twoPersons ? { eraseByTwo: true } : {}),
    };
  })
  .superRefine((settings, context) => {
    for (const { rule, at, message } of faultsOfRetention(settings)) {
      context.addIssue({ code: 'custom', path: rule === null ? ['default', at] : ['rules', rule, at], message });
    }
  });

const bytes = whole(65_536, 1_073_741_823, 'bytes');
const milliseconds = whole(100, 86_400_000, 'milliseconds');
const count = whole(1, 1_000_000);

const limits = closed({
  frameBytesMax: bytes.optional().describe('The longest single message that is held whole: a statement with its parameters, the body of a request to a model.'),
  queuedBytesMax: bytes
    .optional()
    .describe(
      'How many bytes of one connection, in each direction, may wait to be recorded or to be taken by a slow reader. When more wait, the gateway stops reading from the side that sends them until there is room.',
    ),
  loginMs: milliseconds.optional().describe('The time from accepting a connection to a finished login.'),
  dialMs: milliseconds.optional().describe('The time from dialling a target to a finished login there.'),
  idleMs: z
    .union([z.literal(0), milliseconds], 'milliseconds are expected, or 0 for no limit')
    .optional()
    .describe('A connection is cut after this time without a byte in either direction. 0: no limit.'),
  heldAnswerMs: milliseconds
    .optional()
    .describe(
      'The answer to a held request over HTTP waits at most this long, and then says that the request is held. It waits longer for a client of MCP that is told of its progress.',
    ),
  sessionIdleMs: milliseconds.optional().describe("A session of a token's activity over HTTP ends after this time without a connection."),
  sessionAgeMs: milliseconds.optional().describe("A session of a token's activity over HTTP continues in a new session after this time."),
  sessionRecordsMax: count.optional().describe("A session of a token's activity over HTTP continues in a new session after this number of records."),
  connectionsMax: count.optional().describe('The limit of connections of all clients together.'),
  connectionsPerAddressMax: count.optional().describe('The limit of connections of one address.'),
  loginsPerAddressMax: count.optional().describe('Connections of one address that are in the middle of a login; further ones wait.'),
  silentPerAddressMax: count
    .optional()
    .describe('Connections of one address that have said nothing yet, or show no credential over HTTP: for a further one the oldest is cut.'),
});

export type RawTarget = z.output<typeof target>;

/** Returns a time of the configuration in ms: `90s`, `10m`, `1h` or `2d`. */
export function durationMs(written: string): number {
  return Number(written.slice(0, -1)) * (durationUnits[written.slice(-1)] ?? 0);
}

/** Reports what is wrong with a field, or with one of its members. */
export type Wrong = (field: keyof RawTarget, message: string, member?: string) => null;

/** A target without its name. In the file the name is the key of the entry. */
export type UnnamedTarget = Omit<Target, 'name'>;

export interface SchemaOptions {
  /** The ids of protocols that a gateway can listen for. */
  readonly protocols: readonly string[];
  /** Called for each target that has the right shape. Reports what else is wrong with it, by field. */
  readonly parseTarget: (raw: RawTarget, wrong: Wrong) => UnnamedTarget | null;
}

/** The schema of `countersign.yaml` (DESIGN: the stable contract). */
export function configSchema({ protocols, parseTarget }: SchemaOptions) {
  const listeners = Object.fromEntries(['http', ...protocols].map((id) => [id, address.optional()]));
  const parsedTarget = target.transform((raw, context) => {
    const wrong: Wrong = (field, message, member) => {
      context.addIssue({ code: 'custom', path: member === undefined ? [field] : [field, member], message });
      return null;
    };
    return parseTarget(raw, wrong) ?? z.NEVER;
  });
  return closed({
    data: text.default(defaultData).describe('The data directory, relative to this file: records, keys, tokens. `up --data` overrides it.'),
    listen: closed(listeners)
      .default({})
      .describe(
        '`HOST:PORT` for each listener; port 0 takes any free one. `http` is the API and all targets of models, MCP and HTTP (127.0.0.1:7070 unless given); a protocol with a listener of its own is listened for where it has a line.',
      ),
    tls: closed({
      cert: text.describe('PEM file of the certificate chain, relative to this file.'),
      key: text.describe('PEM file of the key of the certificate, relative to this file.'),
      clients: text
        .optional()
        .describe(
          'PEM file of the authorities whose certificates clients may show in place of a token (`certificate` of a principal). Each client is then asked for one.',
        ),
    })
      .optional()
      .describe('TLS on all listeners.'),
    store: closed({ postgres: sharedStore.describe('A PostgreSQL that many gateways share.') })
      .optional()
      .describe(
        'Where tokens, suspensions, accounts and ends of sign-ins are, if several gateways share them ([operating.md](operating.md#several-gateways)). Absent: in the data directory, for this gateway alone.',
      ),
    keys: closed({
      root: rootProvider
        .optional()
        .describe(
          'What wraps the root secret, which opens all other keys. Absent: a key of 64 hex digits in COUNTERSIGN_ROOT_KEY, else in `root.key` in the data directory, made at the first start.',
        ),
      previous: rootProvider.optional().describe('What wrapped it before. The next start has `root` wrap it, and from then on this is not needed.'),
      escrow: z
        .array(text.regex(/^age1[0-9a-z]{10,4000}$/, 'a recipient of age is expected: age1…'), 'a list of recipients of age is expected')
        .max(recipientsMax, `there are at most ${recipientsMax} recipients`)
        .default([])
        .describe('Recipients of age for whom the root secret is encrypted, in `escrow/` of the data directory.'),
      stale: duration
        .default('5m')
        .describe('For so long new sessions are opened while `root` does not unwrap the root secret any more. Those that are open go on.'),
    })
      .prefault({})
      .describe('The keys of the gateway ([keys.md](keys.md)).'),
    storage: closed({ s3: objectStorage.describe('A bucket that speaks the protocol of S3.') })
      .optional()
      .describe('Object storage that gets what is recorded ([storage.md](storage.md)). Absent: it stays in the data directory.'),
    targets: z
      .record(name, parsedTarget, 'NAME: and below it what the target is')
      .default({})
      .describe('The systems behind the gateway, by the names that clients call them.'),
    policies: text
      .optional()
      .describe('A directory with `*.cedar` files, or one such file: the policies, in addition to the grants. Absent: what the grants say and nothing else.'),
    savePolicies: z
      .boolean('true or false is expected')
      .default(true)
      .describe(
        'Whether administrators may save files of policies over the API, as the console does ([policy.md](policy.md#in-a-browser)). `false` where the files come from elsewhere, as from Git.',
      ),
    approvals: closed({
      wait: duration.default('10m').describe('How long a held request may wait for people: `90s`, `10m`, `1h` or `2d`, at most 7 days. Then it is refused.'),
      mode: z
        .enum(['wait', 'return'], 'wait or return is expected')
        .optional()
        .describe(
          'How the client of a held request learns the outcome: `wait`: its answer comes when people have decided. `return`: it is told at once that it is held, and sends the request again later. Absent: people wait, agents are told at once. A client may ask for either.',
        ),
      notify: z
        .array(name, 'a list of names is expected')
        .default([])
        .describe('Sinks of `webhook`, `slack` or `smtp` that get a notice of each step of an approval.'),
      link: text
        .max(2_048, 'an address is at most 2048 characters')
        .regex(/^https?:\/\/.*\{approval\}/, 'an address with {approval} in place of the id is expected: https://HOST/PATH/{approval}')
        .optional()
        .describe(
          'The address of a page about an approval, for notices: `https://HOST/PATH/{approval}`. A link leads to the approval; nothing is approved by opening it.',
        ),
    })
      .prefault({})
      .describe('What happens to requests that policy holds until people approve them.'),
    reviews: closed({
      model: closed({
        as: name.describe('The principal that asks the model, in a session of its own for each question. Its role says what of a session the model is given.'),
        target: name.describe('The target with the model, which understands Chat Completions.'),
        model: text.max(256, 'a name is at most 256 characters').describe('The name of the model.'),
        threshold: whole(0, 100).default(30).describe('The lowest risk of a session that the model is asked about.'),
        every: duration.default('10m').describe('How often it is looked for sessions that have ended.'),
        most: whole(1, 100).default(5).describe('Most sessions that it is asked about each time, the greatest risk first.'),
      })
        .optional()
        .describe('A model that says what it thinks of sessions that are to be reviewed. Absent: none is asked.'),
    })
      .default({})
      .describe('What helps people to review sessions ([sessions.md](sessions.md#reviews)).'),
    sinks: z
      .record(name, sink, 'NAME: and below it what the sink is')
      .refine((sinks) => Object.keys(sinks).length <= sinksMax, `there are at most ${sinksMax} sinks`)
      .default({})
      .describe('Receivers outside, by the names that other settings call them ([sinks.md](sinks.md)).'),
    alerts: z
      .record(name, z.union([alertRule, z.literal(false)], 'settings of a rule are expected, or false'), 'NAME: and below it what the rule is')
      .refine((alerts) => Object.keys(alerts).length <= alertsMax, `there are at most ${alertsMax} rules`)
      .default({})
      .describe('Rules that watch what is recorded, by their names. Built-in ones are changed here, or switched off: `NAME: false` ([alerts.md](alerts.md)).'),
    classes: z
      .record(className, dataClass, 'NAME: and below it what the class is')
      .default({})
      .describe('Data classes beside the built-in ones, and further places of those, for `inspect` and for `@mask` in policies.'),
    principals: z
      .record(principalName, principal, 'NAME: and below it who the principal is')
      .default({})
      .describe('The people and agents that may come in, by the names that stand in every record.'),
    groups: z
      .record(name, group, 'NAME: and below it what its members get')
      .default({})
      .describe(
        'Groups, for grants to all members, and for membership by a token of an issuer: a group that is not here is none that a token can make somebody a member of.',
      ),
    roles: z
      .record(name, role, 'NAME: and below it who has the role')
      .superRefine((roles, context) => {
        for (const [id, written] of Object.entries(roles)) {
          for (const { at, message } of faultsOfRole(id, written)) {
            context.addIssue({ code: 'custom', path: at === null ? [id] : [id, at], message });
          }
        }
      })
      .default({})
      .describe(`Who may do what with recordings ([roles.md](roles.md)), by names of your own or those of the built-in roles: ${roleNames.join(', ')}.`),
    identity: closed({
      browser: browser.prefault({}).describe('How browsers sign in ([identity.md](identity.md#browsers)).'),
      fresh: fresh.default({}).describe('For what people who sign in must have done so a short time before ([identity.md](identity.md#signing-in-again)).'),
      issuers: z
        .record(name, issuer, 'NAME: and below it what the issuer is')
        .refine((issuers) => Object.keys(issuers).length <= issuersMax, `there are at most ${issuersMax} issuers`)
        .refine(
          (issuers) => !Object.hasOwn(issuers, localIssuer),
          `the names of local administrators begin with ${localIssuer}/: call the issuer something else`,
        )
        .default({})
        .describe('OpenID providers whose tokens are accepted like those of the gateway, by the names that begin the names of their principals.'),
    })
      .prefault({})
      .describe("The organisation's accounts."),
    retention: retention
      .prefault({})
      .describe(
        'For how long what is recorded is kept ([retention.md](retention.md)). What has expired is destroyed, once a day. A change counts for what is recorded from then on.',
      ),
    reconcile: z
      .record(
        name,
        closed({
          usage: z.enum(['openai', 'anthropic'], 'openai or anthropic is expected').describe('The provider, whose report of usage is read.'),
          key: secret.describe('The key of an administrator of the account, which the report takes.'),
          project: text
            .optional()
            .describe('The project (OpenAI) or workspace (Anthropic) that only this target uses. Absent: the usage of the whole account counts.'),
          url: webAddress((written) => faultOfWebAddress(written, 'the key would not be encrypted'))
            .optional()
            .describe('The address of the report. Absent: that of the provider.'),
        }),
        'TARGET: and below it where its usage is reported',
      )
      .default({})
      .describe('Where providers of models report their usage, by the names of targets, for `countersign reconcile` ([reconcile.md](reconcile.md)).'),
    witnesses: closed({
      policy: text.describe(
        'The policy of witnesses (c2sp.org/tlog-policy), relative to this file: which there are, how many must cosign, and at which URL each is asked.',
      ),
      caFile: text
        .optional()
        .describe(
          'PEM file of the authorities that may have signed the certificates of the witnesses, in place of those of the system; relative to this file.',
        ),
      lost: duration.default('5m').describe('When the quorum, or a witness, is missing for so long, that is recorded and raises an alert.'),
    })
      .optional()
      .describe('Witnesses, who see that the log only grows ([witnesses.md](witnesses.md)). Absent: nobody is asked.'),
    timestamps: closed({
      rfc3161: webAddress((written) => faultOfWebAddress(written, null)).describe(
        '`https://HOST/PATH` of an authority of timestamps (RFC 3161 over HTTP). What it gives is signed, so `http://` will do.',
      ),
      every: duration.default('1h').describe('A checkpoint is stamped at most this often. After deletions the next one is stamped at once.'),
      authorities: text
        .optional()
        .describe(
          'PEM file of the authorities from which the certificate of the signer must descend, relative to this file. Absent: only the signature of a timestamp is checked when it comes.',
        ),
      caFile: text
        .optional()
        .describe('PEM file of the authorities that may have signed the certificate of its TLS, in place of those of the system; relative to this file.'),
      lost: duration.default('1h').describe('When a timestamp is due for so long, that is recorded and raises an alert.'),
    })
      .optional()
      .describe('Timestamps of checkpoints by an authority outside ([timestamps.md](timestamps.md)). Absent: nobody is asked.'),
    limits: limits.default({}).describe('Limits on what a peer may make the gateway hold or wait for.'),
  });
}

export type RawConfig = z.output<ReturnType<typeof configSchema>>;

function whole(min: number, max: number, unit = ''): z.ZodInt {
  const message = `a whole number${unit === '' ? '' : ` of ${unit}`} from ${min} to ${max} is expected`;
  return z.int(message).min(min, message).max(max, message);
}
