import { GatewayError } from '../domain/errors.ts';
import type { Database, Row } from './database.ts';
import type { Exclusions, NewExclusion } from './exclusions.ts';
import type { RowSeal } from './row-seal.ts';

/** The public half of a passkey of a local administrator. */
export interface StoredPasskey {
  /** The id of the credential (WebAuthn), in base64url. It is not secret. */
  readonly id: string;
  /** The name of the administrator, without `local/`. */
  readonly name: string;
  /** The public key, in the form of COSE. */
  readonly publicKey: Uint8Array;
  /** How browsers reach the authenticator: `internal`, `usb` and others. */
  readonly transports: readonly string[];
  readonly createdMs: number;
  /** How often the authenticator says that it was used; 0 if it does not count. */
  readonly counter: number;
  /** Null: nobody has signed in with it. */
  readonly usedMs: number | null;
}

/** A link with which somebody registers a passkey, once. */
export interface Invitation {
  /** The SHA-256 of its secret, hexadecimal. */
  readonly hash: string;
  /** The name of who is invited. Null: whoever has the link chooses a new one. */
  readonly name: string | null;
  readonly expiresMs: number;
}

/**
 * The passkeys of local administrators, and the invitations to register one. That a passkey was removed or an invitation was spent is in the list of exclusions, as it
 * is for tokens, so neither counts again when its row comes back.
 */
export class Passkeys {
  readonly #database: Database;
  readonly #seal: RowSeal;
  readonly #exclusions: Exclusions;

  constructor(database: Database, seal: RowSeal, exclusions: Exclusions) {
    this.#database = database;
    this.#seal = seal;
    this.#exclusions = exclusions;
  }

  /** All passkeys, oldest first. */
  async list(): Promise<readonly StoredPasskey[]> {
    return (await this.#database.all('SELECT * FROM passkeys ORDER BY created_ms, id')).flatMap((row) => this.#parse(row) ?? []);
  }

  async find(id: string): Promise<StoredPasskey | null> {
    const [row] = await this.#database.all('SELECT * FROM passkeys WHERE id = ?', [id]);
    return row === undefined ? null : this.#parse({ ...row, id });
  }

  /** Adds a passkey and spends its invitation. Rejects as `Exclusions.append` does, with `conflict` if the invitation is spent or the passkey is there. */
  async add(passkey: StoredPasskey, hash: string): Promise<void> {
    const { counter, usedMs, publicKey } = passkey;
    const values = sealedOf(passkey);
    const [id, name, , transports, createdMs] = values;
    const sql = 'INSERT INTO passkeys (id, name, public_key, transports, created_ms, counter, used_ms, mac) VALUES (?, ?, ?, ?, ?, ?, ?, ?)';
    const row = [id, name, publicKey, transports, createdMs, counter, usedMs, this.#seal.of('passkeys', values)];
    const spending = { kind: 'revoked', name: nameOfInvitation(hash), timeMs: createdMs } as const;
    const spend = (): readonly [typeof spending] => {
      if (this.#exclusions.revokedMs(spending.name) !== null) {
        throw new GatewayError('conflict', 'The link was used meanwhile.');
      }
      return [spending];
    };
    await this.#exclusions.append(spend, { beside: [[sql, row]] });
  }

  /** Notes that a passkey was used, and how often. */
  async use(id: string, counter: number, usedMs: number): Promise<void> {
    const sql = 'UPDATE passkeys SET counter = CASE WHEN counter < ? THEN ? ELSE counter END, used_ms = ? WHERE id = ?';
    await this.#database.change([[sql, [counter, counter, usedMs, id]]]);
  }

  /** Removes a passkey, together with what ends then. Rejects as `Exclusions.append` does. */
  async remove(id: string, timeMs: number, by: string, ends: () => Promise<readonly NewExclusion[]>): Promise<void> {
    const removed = { kind: 'revoked', name: nameOfPasskey(id), timeMs, by } as const;
    await this.#exclusions.append(async () => [removed, ...(await ends())], { beside: [['DELETE FROM passkeys WHERE id = ?', [id]]] });
  }

  async invite(invitation: Invitation): Promise<void> {
    const { hash, name, expiresMs } = invitation;
    const mac = this.#seal.of('invitations', [hash, name, expiresMs]);
    await this.#database.change([['INSERT INTO invitations (hash, name, expires_ms, mac) VALUES (?, ?, ?, ?)', [hash, name, expiresMs, mac]]]);
  }

  /** Finds an invitation that is neither spent nor expired. */
  async findInvitation(hash: string, nowMs: number): Promise<Invitation | null> {
    const [row] = await this.#database.all('SELECT * FROM invitations WHERE hash = ? AND expires_ms > ?', [hash, nowMs]);
    if (row === undefined || this.#exclusions.revokedMs(nameOfInvitation(hash)) !== null) {
      return null;
    }
    const [name, expiresMs] = [row['name'] === null ? null : String(row['name']), Number(row['expires_ms'])];
    return this.#seal.isOf(row['mac'], 'invitations', [hash, name, expiresMs]) ? { hash, name, expiresMs } : null;
  }

  /** True if nobody was ever invited. Invitations are kept for that. */
  async isUntouched(): Promise<boolean> {
    return (await this.#database.all('SELECT hash FROM invitations LIMIT 1')).length === 0;
  }

  /** Null: it was removed, or no gateway of the store wrote it. */
  #parse(row: Row): StoredPasskey | null {
    const { public_key: key, used_ms: usedMs } = row;
    const [id, name, transports, createdMs] = [String(row['id']), String(row['name']), String(row['transports']), Number(row['created_ms'])];
    const publicKey = key instanceof Uint8Array ? Uint8Array.from(key) : new Uint8Array();
    const isOwn = this.#seal.isOf(row['mac'], 'passkeys', [id, name, Buffer.from(publicKey).toString('hex'), transports, createdMs]);
    if (!isOwn || this.#exclusions.revokedMs(nameOfPasskey(id)) !== null) {
      return null;
    }
    const counter = Number(row['counter']);
    return { id, name, publicKey, transports: JSON.parse(transports), createdMs, counter, usedMs: usedMs === null ? null : Number(usedMs) };
  }
}

/** All of a passkey that stays: not how often and when it was used. */
function sealedOf({ id, name, publicKey, transports, createdMs }: StoredPasskey): readonly [string, string, string, string, number] {
  return [id, name, Buffer.from(publicKey).toString('hex'), JSON.stringify(transports), createdMs];
}

/** How the list of exclusions names a passkey and an invitation: by one of these, and its id or its hash. */
const [passkeyMark, invitationMark] = ['passkey:', 'invitation:'];

/** Returns the name of a passkey in the list of exclusions, where it is revoked when it was removed. */
export function nameOfPasskey(id: string): string {
  return `${passkeyMark}${id}`;
}

function nameOfInvitation(hash: string): string {
  return `${invitationMark}${hash}`;
}

/** Returns the id of the passkey that a revoked name in the list of exclusions stands for; null if it stands for something else. */
export function passkeyNamed(name: string): string | null {
  return name.startsWith(passkeyMark) ? name.slice(passkeyMark.length) : null;
}

/** True if a revoked name in the list of exclusions stands for an invitation, with which somebody has registered a passkey. */
export function isInvitation(name: string): boolean {
  return name.startsWith(invitationMark);
}
