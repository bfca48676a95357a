import { any, digit, hyphen, isOneOf, kinds, lower, upper, wordKinds } from '../characters.ts';
import type { Detector, Take } from '../detector.ts';
import type { View } from '../view.ts';

const isWord = (text: string, position: number): boolean => ((kinds[text.charCodeAt(position)] ?? 0) & wordKinds) !== 0;

const encodedUnit = /[A-Za-z0-9_-]/;
/** The header of a token has at most this many units. */
const headerUnitsMax = 1024;

function findJwt(view: View, take: Take): void {
  const { text } = view;
  for (let start = text.indexOf('eyJ'); start !== -1; start = text.indexOf('eyJ', start + 3)) {
    if (start > 0 && encodedUnit.test(text[start - 1] ?? '')) {
      continue;
    }
    const dot = text.indexOf('.', start);
    if (dot === -1 || dot + 1 >= text.length || dot - start > headerUnitsMax || !/^[\w-]+$/.test(text.slice(start, dot))) {
      continue;
    }
    const header = Buffer.from(text.slice(start, dot), 'base64url').toString('latin1');
    if (!/^\{\s*"/.test(header) || !/"(?:alg|enc|typ|kid)"/.test(header)) {
      continue;
    }
    let end = dot + 1;
    while (end < text.length && /[A-Za-z0-9_.-]/.test(text[end] ?? '')) {
      end += 1;
    }
    while (text[end - 1] === '.' && !(view.goesOn && end === text.length)) {
      end -= 1;
    }
    if (end > dot + 1) {
      take(start, end, 'sure', 'token');
      start = end - 3;
    }
  }
}

export const jwt: Detector = {
  name: 'jwt',
  about: 'A JSON Web Token whose header can be decoded, signed, encrypted or neither.',
  example: 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJleGFtcGxlIn0.c2lnbmF0dXJl',
  traits: upper,
  otherTraits: any,
  unitsMin: 20,
  digitsMin: 0,
  find: findJwt,
};

const begin = '-----BEGIN ';
const header = /^-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----/;
const headerLineUnitsMax = 72;

/** Returns where the first line of the first private key in a text ends, or its length. Behind it nothing else is found, for the key goes on. */
export function firstKeyEnd(text: string): number {
  let end = text.length;
  findKeys(text, (_start, each) => {
    end = Math.min(end, each);
  });
  return end;
}

function findKeys(text: string, take: Take): void {
  for (let start = text.indexOf(begin); start !== -1; start = text.indexOf(begin, start + begin.length)) {
    const [line] = header.exec(text.slice(start, start + headerLineUnitsMax)) ?? [];
    if (line !== undefined) {
      take(start, start + line.length, 'sure', 'key');
    }
  }
}

export const privateKey: Detector = {
  name: 'private-key',
  about: 'A private key in PEM: PKCS #8, PKCS #1, SEC 1, OpenSSH or PGP, with all of its lines.',
  example: `${'-'.repeat(5)}BEGIN PRIVATE KEY${'-'.repeat(5)}`,
  traits: hyphen,
  otherTraits: upper,
  unitsMin: 20,
  digitsMin: 0,
  find: ({ text }, take) => {
    findKeys(text, take);
  },
};

/** Published formats of tokens: how they begin, and which characters follow. One class for all, because who stops one vendor's keys stops those of the next. */
const formats: readonly (readonly [prefix: string, rest: string])[] = [
  // Amazon Web Services
  ['AKIA', '[A-Z2-7]{16}'],
  ['ASIA', '[A-Z2-7]{16}'],
  ['ABIA', '[A-Z2-7]{16}'],
  ['ACCA', '[A-Z2-7]{16}'],
  // GitHub and GitLab
  ...['ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_'].map((prefix) => [prefix, '[A-Za-z0-9]{36,255}'] as const),
  ['github_pat_', '[A-Za-z0-9_]{60,255}'],
  ...['glpat-', 'gldt-', 'glrt-', 'glptt-', 'glcbt-', 'glsoat-', 'glft-', 'glimt-', 'glagent-', 'gloas-'].map((prefix) => [prefix, '[\\w.-]{20,300}'] as const),
  // Slack, Stripe, Shopify, Square, Twilio, SendGrid, Mailgun, Mailchimp, Brevo
  ...['xoxb-', 'xoxp-', 'xoxa-', 'xoxr-', 'xoxs-', 'xoxe-', 'xoxe.', 'xapp-'].map((prefix) => [prefix, '[\\w.-]{16,300}'] as const),
  ...['sk_live_', 'sk_test_', 'rk_live_', 'rk_test_', 'whsec_'].map((prefix) => [prefix, '[A-Za-z0-9+/=]{16,255}'] as const),
  ...['shpat_', 'shpca_', 'shppa_', 'shpss_'].map((prefix) => [prefix, '[A-Fa-f0-9]{32}'] as const),
  ['sq0atp-', '[\\w-]{22}'],
  ['sq0csp-', '[\\w-]{43}'],
  ['SK', '[a-f0-9]{32}'],
  ['SG.', '[\\w-]{16,32}\\.[\\w-]{16,64}'],
  ['key-', '[a-f0-9]{32}'],
  ['xkeysib-', '[a-f0-9]{64}-[A-Za-z0-9]{16}'],
  // Models
  ...['sk-proj-', 'sk-svcacct-', 'sk-admin-', 'sk-ant-', 'sk-or-v1-'].map((prefix) => [prefix, '[\\w-]{20,300}'] as const),
  ['sk-', '[A-Za-z0-9]{32,64}'],
  ['hf_', '[A-Za-z0-9]{30,40}'],
  ['gsk_', '[A-Za-z0-9]{40,64}'],
  ['r8_', '[A-Za-z0-9]{37,40}'],
  ['pplx-', '[A-Za-z0-9]{40,64}'],
  ['xai-', '[A-Za-z0-9]{60,100}'],
  // Google, Azure
  ['AIza', '[\\w-]{35}'],
  ['GOCSPX-', '[\\w-]{28}'],
  ['ya29.', '[\\w-]{20,300}'],
  // Registries of packages, builds and hosts
  ['npm_', '[A-Za-z0-9]{36}'],
  ['pypi-', 'AgE[\\w-]{50,1000}'],
  ['rubygems_', '[a-f0-9]{48}'],
  ['dckr_pat_', '[\\w-]{27,64}'],
  ...['dop_v1_', 'doo_v1_', 'dor_v1_'].map((prefix) => [prefix, '[a-f0-9]{64}'] as const),
  ['fo1_', '[\\w-]{43}'],
  ['fm2_', '[A-Za-z0-9+/=]{100,1000}'],
  ['sbp_', '[a-f0-9]{40}'],
  ['pscale_tkn_', '[\\w.-]{32,64}'],
  ['pscale_pw_', '[\\w.-]{32,64}'],
  ['tskey-', '[a-z]+-[A-Za-z0-9-]{10,64}'],
  // Services of teams and of operations
  ['ATATT3', '[\\w=+/.-]{60,300}'],
  ['lin_api_', '[A-Za-z0-9]{32,64}'],
  ['ntn_', '[A-Za-z0-9]{40,64}'],
  ['figd_', '[\\w-]{40,64}'],
  ['PMAK-', '[a-f0-9]{24}-[a-f0-9]{34}'],
  ['NRAK-', '[A-Z0-9]{27}'],
  ['glsa_', '[A-Za-z0-9]{32}_[a-f0-9]{8}'],
  ['glc_', '[A-Za-z0-9+/=]{32,400}'],
  ...['hvs.', 'hvb.', 'hvr.'].map((prefix) => [prefix, '[\\w-]{24,300}'] as const),
  ['dapi', '[a-f0-9]{32}'],
  ['dp.pt.', '[A-Za-z0-9]{43}'],
  ['AGE-SECRET-KEY-1', '[02-9AC-HJ-NP-Z]{58}'],
];

/** Each format as a pattern that looks at a bounded number of characters, by its first two. */
const patterns: ReadonlyMap<string, readonly RegExp[]> = Map.groupBy(
  formats.map(([prefix, rest]) => new RegExp(`${prefix.replaceAll('.', '\\.')}${rest}(?![A-Za-z0-9])`, 'y')),
  ({ source }) => source.slice(0, 2),
);

/** The secret that belongs to an access key of AWS, and the key of a storage account of Azure, have no prefix. */
const unmarked = /(?:[A-Za-z0-9/+]{40}|[A-Za-z0-9/+]{86}==)(?![A-Za-z0-9/+=])/y;

const unmarkedUnitsMin = 40;
const unmarkedUnits: Uint8Array = Uint8Array.from({ length: 0x80 }, (_, unit) => (/[A-Za-z0-9/+]/.test(String.fromCharCode(unit)) ? 1 : 0));
const none: readonly RegExp[] = [];
const unmarkedAlone: readonly RegExp[] = [unmarked];

/** Has 1 for the first two units of each format, so that hardly any other word needs to be looked up. */
const begins: Uint8Array = new Uint8Array(0x80 * 0x80);
for (const two of patterns.keys()) {
  begins[two.charCodeAt(0) * 0x80 + two.charCodeAt(1)] = 1;
}

/** Returns the formats of which one may begin at a place. */
function patternsAt(text: string, position: number): readonly RegExp[] {
  const [first, second] = [text.charCodeAt(position), text.charCodeAt(position + 1)];
  const marked = first < 0x80 && second < 0x80 && begins[first * 0x80 + second] === 1 ? (patterns.get(text.slice(position, position + 2)) ?? none) : none;
  const isLong = text.length - position >= unmarkedUnitsMin && isOneOf(unmarkedUnits, text.charCodeAt(position + unmarkedUnitsMin - 1));
  return !isLong ? marked : marked === none ? unmarkedAlone : [...marked, unmarked];
}

const tokenUnitsMin = 16;
const underscore = 0x5f;

function findTokens(view: View, take: Take): void {
  const { text } = view;
  let isInWord = false;
  for (let i = 0; i + tokenUnitsMin <= text.length; i += 1) {
    const isBegin = !isInWord;
    isInWord = isWord(text, i) || text.charCodeAt(i) === underscore;
    if (!isBegin || !isInWord) {
      continue;
    }
    for (const pattern of patternsAt(text, i)) {
      pattern.lastIndex = i;
      if (pattern.test(text)) {
        const value = text.slice(i, pattern.lastIndex).replace(/[.-]+$/, '');
        const end = i + value.length;
        const isMixed = /[a-z]/.test(value) && /[A-Z]/.test(value) && /\d/.test(value);
        if (pattern !== unmarked || (isMixed && text[i - 1] !== '/')) {
          take(i, end, pattern === unmarked ? 'weak' : 'sure', 'token');
          i = end - 1;
          break;
        }
      }
    }
  }
}

export const secretToken: Detector = {
  name: 'secret-token',
  about: 'A token or key of a cloud or vendor in its published format (AWS, GitHub, GitLab, Slack, Stripe, OpenAI, Anthropic, Google, npm and others).',
  example: `npm_${'Example'.repeat(5)}0`,
  words: ['secret', 'accountkey', 'account key', 'sharedaccess', 'sharedaccesskey', 'aws'],
  traits: digit | upper,
  otherTraits: lower | upper,
  unitsMin: tokenUnitsMin,
  digitsMin: 0,
  find: findTokens,
};
