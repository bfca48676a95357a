import { join } from 'node:path';
import { Authenticator } from '@countersign/gateway/identity/authenticate.ts';
import { openSqlite } from '@countersign/gateway/store/sqlite.ts';
import { Tokens, type StoredToken } from '@countersign/gateway/store/tokens.ts';
import { mkdirSync } from 'node:fs';
import type { Command } from 'commander';
import { ApiClient } from '../api-client.ts';
import { parseDuration } from '../duration.ts';
import { addLocation, findRunning, loadConfig, type LocationOptions } from '../location.ts';

type Json = LocationOptions & { readonly json?: boolean };

export function addToken(program: Command): void {
  const token = program.command('token').description('tokens that principals show to the gateway');
  addLocation(token.command('create').argument('<principal>'))
    .description('make a token; it is shown once, and only its hash is kept')
    .option('--ttl <duration>', 'how long it lives, at most 366d', '24h')
    .option('--json', 'print {token, id, principal, expires}')
    .addHelpText('after', '\nExample:\n  countersign token create support-bot --ttl 1h')
    .action(create);
  addLocation(token.command('list'))
    .description('tokens that were made, without the tokens')
    .option('--json', 'one JSON object a line')
    .addHelpText('after', '\nExample:\n  countersign token list --json')
    .action(list);
  addLocation(token.command('revoke').argument('<id>'))
    .description('end a token; sessions that it opened go on until they are halted')
    .addHelpText('after', '\nExample:\n  countersign token revoke tok_0123456789abcdef')
    .action(revoke);
}

/** What the commands need, from the running gateway or, without one, from its files. */
interface TokenOffice {
  create(principal: string, ttlMs: number): Promise<{ token: string; stored: StoredToken }>;
  list(): Promise<readonly StoredToken[]>;
  revoke(id: string): Promise<boolean>;
}

async function withOffice<Result>(options: LocationOptions, act: (office: TokenOffice) => Promise<Result>): Promise<Result> {
  if (options.url !== undefined || findRunning(loadConfig(options).data) !== null) {
    const api = new ApiClient(options);
    return act({
      create: (principal, ttlMs) => api.json('POST', '/api/tokens', { principal, ttlMs }),
      list: () => api.json('GET', '/api/tokens'),
      revoke: async (id) => {
        await api.json('DELETE', `/api/tokens/${encodeURIComponent(id)}`);
        return true;
      },
    });
  }
  const { data, principals } = loadConfig(options);
  mkdirSync(data, { recursive: true, mode: 0o700 });
  using database = openSqlite(join(data, 'identity.db'), { journal: 'truncate', secureDelete: true });
  const tokens = new Tokens(database);
  const authenticator = new Authenticator({ tokens, findPrincipal: (id) => principals.get(id), now: Date.now });
  return act({
    create: (principal, ttlMs) => authenticator.create(principal, { ttlMs }),
    list: () => tokens.list(),
    revoke: (id) => tokens.revoke(id, Date.now()),
  });
}

async function create(principal: string, options: Json & { ttl: string }): Promise<void> {
  const ttlMs = parseDuration(options.ttl);
  const { token, stored } = await withOffice(options, (office) => office.create(principal, ttlMs));
  if (options.json === true) {
    console.log(JSON.stringify({ token, ...shown(stored) }));
    return;
  }
  console.log(token);
  process.stderr.write(`${stored.id} for ${principal}, until ${new Date(stored.expiresMs).toISOString()}. It is not shown again.\n`);
}

async function list(options: Json): Promise<void> {
  for (const stored of await withOffice(options, (office) => office.list())) {
    const row = shown(stored);
    console.log(options.json === true ? JSON.stringify(row) : `${row.id}  ${row.principal}  expires ${row.expires}${row.revoked === null ? '' : '  revoked'}`);
  }
}

async function revoke(id: string, options: LocationOptions): Promise<void> {
  if (!(await withOffice(options, (office) => office.revoke(id)))) {
    throw new Error(`there is no token ${id}: countersign token list names them`);
  }
  console.log(`revoked ${id}`);
}

function shown(stored: StoredToken) {
  const iso = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());
  const { id, principal, createdMs, expiresMs, revokedMs } = stored;
  return { id, principal, created: iso(createdMs), expires: iso(expiresMs), revoked: iso(revokedMs) };
}
