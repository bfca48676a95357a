import { Accounts } from './accounts.ts';
import type { Database } from './database.ts';
import { Exclusions, type ExclusionsOptions } from './exclusions.ts';
import { Passkeys } from './passkeys.ts';
import { RowSeal } from './row-seal.ts';
import { Tokens } from './tokens.ts';

/** All that gateways know of identities: their tokens, the accounts at issuers, the passkeys of local administrators, and what ends them. */
export interface Identities {
  readonly tokens: Tokens;
  readonly accounts: Accounts;
  readonly passkeys: Passkeys;
  readonly exclusions: Exclusions;
}

export interface IdentitiesOptions extends ExclusionsOptions {
  /** The key with which rows of a shared database are sealed. Null: they are not. */
  readonly key: string | null;
}

/** Reads what a database has. Rejects as `Exclusions.open` does. */
export async function openIdentities(database: Database, { gateway, key, now }: IdentitiesOptions): Promise<Identities> {
  const seal = new RowSeal(key);
  const exclusions = await Exclusions.open(database, seal, { gateway, now });
  return {
    exclusions,
    tokens: new Tokens(database, seal, gateway),
    accounts: new Accounts(database, seal),
    passkeys: new Passkeys(database, seal, exclusions),
  };
}
