import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { TokenSummary } from '@countersign/gateway/api';
import type { Config } from '@countersign/gateway/config';
import { findData, hasSharedStore, isStoreInUse } from '@countersign/gateway/location';
import { hashToken, isToken, makeDataDirectory } from '@countersign/gateway/store';
import type { Command } from 'commander';
import { ApiClient } from '../api-client.ts';
import { parseDuration } from '../duration.ts';
import { loadConfig } from '../configuration.ts';
import { addLocation, type LocationOptions } from '../location-options.ts';
import { findRunning } from '../location.ts';
import { columns, printRows, type RowOptions } from '../rows.ts';
import { printJson } from '../terminal.ts';

type NewToken = TokenSummary & { readonly token: string };

export function addToken(program: Command): void {
  const token = program
    .command('token')
    .description('tokens that principals show to the gateway')
    .addHelpText('after', '\nExample:\n  countersign token create support-bot');
  addLocation(token.command('create').argument('<principal>', 'whom it stands for'))
    .description('make a token; it is shown once, and only its hash is kept')
    .option('--ttl <duration>', 'how long it lives, at most 366d; 24h by default', parseDuration)
    .option('--json', 'print {token, id, principal, expires, ...}')
    .addHelpText('after', '\nExample:\n  countersign token create support-bot --ttl 1h')
    .action(create);
  addLocation(token.command('list'))
    .description('tokens that count now, oldest first, those of signed-in browsers among them; not the tokens themselves')
    .option('--all', 'also those that expired or were revoked, as by a sign-out')
    .option('--json', 'one JSON object a line')
    .addHelpText('after', '\nExample:\n  countersign token list --json')
    .action(list);
  addLocation(token.command('revoke').argument('<token>', 'its id, as token list prints it, or the token itself'))
    .description('end a token, and within a second whatever it opened')
    .addHelpText('after', '\nExample:\n  countersign token revoke tok_0123456789abcdef')
    .action(revoke);
}

/** The acts on tokens that the commands need. The running gateway does them; if none runs, its files are changed. */
interface TokenOffice {
  create(principal: string, ttlMs: number | undefined): Promise<NewToken>;
  list(): Promise<readonly TokenSummary[]>;
  /** Revokes a token by its id or its hash, and returns the id. */
  revoke(name: string): Promise<string>;
}

async function withOffice<Result>(options: LocationOptions, act: (office: TokenOffice) => Promise<Result>): Promise<Result> {
  return options.url !== undefined || findRunning(findData(options.config)) !== null
    ? act(runningOffice(await ApiClient.open(options)))
    : withFiles(options, act);
}

function runningOffice(api: ApiClient): TokenOffice {
  return {
    create: async (principal, ttlMs) => api.json('POST', '/api/v1/tokens', { principal, ttlMs }),
    list: async () => api.json('GET', '/api/v1/tokens'),
    revoke: async (name) => {
      const { revoked }: { readonly revoked: string } = await api.json('DELETE', `/api/v1/tokens/${encodeURIComponent(name)}`);
      return revoked;
    },
  };
}

async function withFiles<Result>(options: LocationOptions, act: (office: TokenOffice) => Promise<Result>): Promise<Result> {
  const data = findData(options.config);
  if (hasSharedStore(options.config)) {
    // Nobody would record an act that is done in the store without a gateway.
    throw new Error(`no gateway is running on ${data}, and its tokens are in a store that gateways share: start it, or ask another one with --url`);
  }
  makeDataDirectory(data);
  if (isStoreInUse(data)) {
    throw new Error(`a gateway is starting or stopping on ${data}: try again in a moment`);
  }
  const by = osUser();
  // Loaded here, because usually the running gateway is asked, which has these modules.
  const { Authenticator, EmbeddedDatabase, openIdentities, summarizeToken } = await import('@countersign/gateway/tokens');
  await using database = new EmbeddedDatabase(join(data, 'identity.db'));
  const { tokens, exclusions } = await openIdentities(database, { gateway: '', key: null, now: Date.now });
  // Only the creation of a token needs a valid configuration.
  let principals: Config['principals'] = new Map();
  using authenticator = new Authenticator({ tokens, exclusions, findPrincipal: (id) => principals.get(id), now: Date.now });
  return await act({
    create: async (principal, ttlMs) => {
      ({ principals } = await loadConfig(options));
      const { token, stored } = await authenticator.create(principal, { unrecordedBy: by, ...(ttlMs === undefined ? {} : { ttlMs }) });
      process.stderr.write(`No gateway is running on ${data}: the token is for the next one that starts there.\n`);
      return { token, ...summarizeToken(stored, null) };
    },
    list: async () => (await tokens.list()).map((token) => summarizeToken(token, exclusions.revokedMs(token.id))),
    revoke: async (name) => {
      const revoked = await authenticator.revoke(name, by);
      if (revoked === null) {
        throw new Error('there is no such token: countersign token list names them');
      }
      return revoked.id;
    },
  });
}

/** Returns the user of this command as the operating system names it. The next start of the gateway records it as the maker of the token. */
function osUser(): string {
  try {
    return `os:${userInfo().username}`;
  } catch {
    return `os:${process.getuid?.() ?? 'unknown'}`;
  }
}

async function create(principal: string, options: LocationOptions & RowOptions & { readonly ttl?: number }): Promise<void> {
  const made = await withOffice(options, async (office) => office.create(principal, options.ttl));
  if (options.json === true) {
    printJson(made);
    return;
  }
  console.log(made.token);
  process.stderr.write(`${made.id} for ${principal}, until ${made.expires}. It is not shown again.\n`);
}

async function list(options: LocationOptions & RowOptions & { readonly all?: boolean }): Promise<void> {
  const tokens = await withOffice(options, async (office) => office.list());
  const isListed = ({ revoked, expires }: TokenSummary): boolean => options.all === true || (revoked === null && Date.parse(expires) > Date.now());
  await printRows(tokens.filter(isListed), options, ({ id, principal, expires, revoked }) =>
    columns(id, principal, `until ${expires}`, ...(revoked === null ? [] : [`revoked ${revoked}`])),
  );
}

/** Revokes a token. If the token itself is given, because somebody found it, only its hash is sent. */
async function revoke(token: string, options: LocationOptions): Promise<void> {
  if (token.startsWith('cs_') && !isToken(token)) {
    throw new Error('that is no token: it is not whole, or was mistyped. countersign token list names the ids of tokens');
  }
  const name = isToken(token) ? hashToken(token) : token;
  console.log(`revoked ${await withOffice(options, async (office) => office.revoke(name))}`);
}
