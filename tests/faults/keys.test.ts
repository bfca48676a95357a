import assert from 'node:assert/strict';
import { copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { DatabaseSync } from 'node:sqlite';
import { exitCodes } from '../../ledger/src/verdict.ts';
import type { CliResult } from '../support/gateway-process.ts';
import { psql } from '../support/run.ts';
import { openShop, type Shop } from '../support/shop.ts';

/** Changes that somebody could make to the key store, with the exit code of `verify`. */
const tampering: Readonly<Record<string, { readonly sql: string; readonly status: number; readonly says: RegExp }>> = {
  'secrets changed': {
    sql: 'UPDATE session_secrets SET meta = zeroblob(60)',
    status: 1,
    says: /another key/,
  },
  'secrets swapped': {
    sql: 'UPDATE session_secrets SET content = (SELECT other.content FROM session_secrets other WHERE other.id = session_secrets.id - 1) WHERE id > 1',
    status: 1,
    says: /another key/,
  },
  'secrets removed': { sql: 'DELETE FROM session_secrets', status: 3, says: /not in the key store/ },
  'class keys changed': { sql: "UPDATE class_key SET wrapped = x'00'", status: 1, says: /another key/ },
  'T4.12, E46: the day of contents changed': { sql: 'UPDATE session_secrets SET content_day = 1', status: 1, says: /another class or day/ },
  'T4.12, E46: the day of facts changed': { sql: 'UPDATE session_secrets SET meta_day = 9223372036854775807', status: 1, says: /another class or day/ },
  'T4.12, E46: the class changed': { sql: 'UPDATE session_secrets SET class = 2', status: 1, says: /another class or day/ },
  'T4.12, E46: bytes moved from one secret to the other': {
    sql: 'UPDATE session_secrets SET meta = substr(meta, 1, 59), content = CAST(substr(meta, 60) || content AS BLOB)',
    status: 1,
    says: /another key/,
  },
  'T4.12, E46: a view in place of the secrets': {
    sql: 'ALTER TABLE session_secrets RENAME TO others; CREATE VIEW session_secrets AS SELECT * FROM others',
    status: 5,
    says: /malformed: keys.db: .*no table session_secrets/,
  },
  'class keys removed': { sql: 'DELETE FROM class_key', status: 3, says: /not in the key store/ },
};

const unreadable: Readonly<Record<string, (data: string) => void>> = {
  'garbage in the header of keys.db': (data) => {
    const file = join(data, 'keys.db');
    const bytes = readFileSync(file);
    bytes.fill(0xaa, 0, 16);
    writeFileSync(file, bytes);
  },
  'garbage in all pages of keys.db but the first': (data) => {
    const file = join(data, 'keys.db');
    const bytes = readFileSync(file);
    bytes.fill(0xaa, 4096);
    writeFileSync(file, bytes);
  },
  'keys.db empty': (data) => {
    writeFileSync(join(data, 'keys.db'), '');
  },
  'keys.db is a directory': (data) => {
    rmSync(join(data, 'keys.db'));
    mkdirSync(join(data, 'keys.db'));
  },
  'keys.db with a write-ahead log': (data) => {
    execute(data, 'PRAGMA journal_mode = WAL');
  },
  'a directory of tiles that cannot be listed': (data) => {
    rmSync(join(data, 'log', 'tile'), { recursive: true });
    symlinkSync('tile', join(data, 'log', 'tile'));
  },
};

describe('C29: the key store is held against the log', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop();
    for (let i = 0; i < 3; i++) {
      assert.equal((await psql(shop.through, ['-c', 'select 1'])).status, 0);
    }
  });
  after(async () => {
    await shop[Symbol.asyncDispose]();
  });

  function verifyCopy(change: (data: string) => void): CliResult {
    const data = join(shop.gateway.directory, 'copy');
    rmSync(data, { recursive: true, force: true });
    cpSync(shop.gateway.data, data, { recursive: true });
    change(data);
    return shop.gateway.command(['verify', '--data', data]);
  }

  test('a running and a stopped gateway verify', async () => {
    assert.match(shop.gateway.verify().stdout, /\d+ keys announced and compared/);
    assert.equal(shop.gateway.verify().status, 0);
    await shop.gateway.signal('SIGTERM');
    assert.equal(shop.gateway.verify().status, 0);
  });

  for (const [name, { sql, status, says }] of Object.entries(tampering)) {
    test(`${name}: exit ${status}`, () => {
      const result = verifyCopy((data) => {
        const database = new DatabaseSync(join(data, 'keys.db'));
        database.exec(sql);
        database.close();
      });
      assert.equal(result.status, status, result.stdout);
      assert.match(result.stdout, says);
    });
  }

  test('an auditor has no keys: a copy of journal and log verifies, and the report says what that leaves open', () => {
    const result = verifyCopy((data) => {
      for (const name of readdirSync(data).filter((one) => one !== 'journal' && one !== 'log')) {
        rmSync(join(data, name));
      }
    });
    assert.equal(result.status, 0, result.stdout);
    assert.match(result.stdout, /without the key store/);
  });

  test('T4.12, E47: a key store that is missing from the directory of a gateway is no success', () => {
    const result = verifyCopy((data) => {
      rmSync(join(data, 'keys.db'));
    });
    assert.equal(result.status, 3, result.stdout);
    assert.match(result.stdout, /not in the key store/);
  });

  test('T4.9: sealed bodies are opened if the keys are available, and the output says whether they were', () => {
    assert.match(verifyCopy(() => undefined).stdout, /\b\d{2,} sealed bodies were opened and are what their leaves commit to\n/);
    const withoutRoot = verifyCopy((data) => {
      rmSync(join(data, 'root.key'));
    });
    assert.equal(withoutRoot.status, 0, withoutRoot.stdout);
    assert.match(withoutRoot.stdout, /the sealed bodies were not opened/);
    const otherRoot = verifyCopy((data) => {
      writeFileSync(join(data, 'root.key'), 'ab'.repeat(32));
    });
    assert.equal(otherRoot.status, exitCodes.trust, otherRoot.stdout);
    assert.match(otherRoot.stdout, /trust: keys\.db: the root key is not given, so no sealed body was opened .*root key is another one/);
  });

  test('T4.12, E46: the day in a row of the key store is not used when a session is read', () => {
    const read = (): string => shop.gateway.command(['session', 'show', lastSession(), '--data', join(shop.gateway.directory, 'copy')]).stdout;
    verifyCopy(() => undefined);
    const whole = read();
    assert.match(whole, /select 1/);
    verifyCopy((data) => {
      execute(data, 'UPDATE session_secrets SET content_day = 1, meta_day = 2, class = 3');
    });
    assert.equal(read(), whole);
  });

  test('T4.12, E47: no content of keys.db-journal turns the check off', () => {
    for (const bytes of ['x', Buffer.alloc(5000, 7)]) {
      const left = verifyCopy((data) => {
        writeFileSync(join(data, 'keys.db-journal'), bytes);
      });
      assert.equal(left.status, 0, left.stdout);
      assert.match(left.stdout, /\d+ keys announced and compared/);
      const changed = verifyCopy((data) => {
        execute(data, 'UPDATE session_secrets SET meta = zeroblob(60)');
        writeFileSync(join(data, 'keys.db-journal'), bytes);
      });
      assert.equal(changed.status, 1, changed.stdout);
      assert.match(changed.stdout, /another key/);
      assert.deepEqual(readFileSync(join(shop.gateway.directory, 'copy', 'keys.db-journal')), Buffer.from(bytes), 'nothing was written there');
    }
  });

  test('T4.12, E47: an unfinished change of the key store is not used, and its files are not touched', () => {
    const result = verifyCopy(leaveUnfinished);
    assert.equal(result.status, 0, result.stdout);
    assert.match(result.stdout, /\d+ keys announced and compared/);
    const without = verifyCopy((data) => {
      leaveUnfinished(data);
      rmSync(join(data, 'keys.db-journal'));
    });
    assert.equal(without.status, 1, without.stdout);
  });

  test('T4.12, E47: an SQLite journal that names another file removes no file', () => {
    const other = join(shop.gateway.directory, 'precious');
    const result = verifyCopy((data) => {
      leaveUnfinished(data);
      writeFileSync(other, `${join(data, 'nothing-journal')}\0`);
      nameOther(join(data, 'keys.db-journal'), other);
    });
    assert.equal(result.status, 5, result.stdout);
    assert.match(result.stdout, /malformed: keys.db: .*names another file/);
    assert.ok(existsSync(other));
  });

  for (const [name, spoil] of Object.entries(unreadable)) {
    test(`T4.12, E47: ${name}: the check that could not be made is said, is no success, and hides no fault found elsewhere`, () => {
      const alone = verifyCopy(spoil);
      // Tiles that cannot be listed are missing too.
      assert.equal(alone.status, name.includes('tiles') ? 2 : 5, alone.stdout);
      assert.match(alone.stdout, /malformed: (keys\.db|log\/tile|journal)/);
      const both = verifyCopy((data) => {
        spoil(data);
        const segment = join(data, 'journal', '000000000001.segment');
        const bytes = readFileSync(segment);
        bytes.writeUInt8(bytes.readUInt8(2000) ^ 1, 2000);
        writeFileSync(segment, bytes);
      });
      assert.equal(both.status, 1, both.stdout);
    });
  }

  function lastSession(): string {
    const [session = ''] = /^[0-9a-f]{32}/m.exec(shop.gateway.cli(['session', 'list', '--data', shop.gateway.data]).stdout) ?? [];
    return session;
  }
});

function execute(data: string, sql: string): void {
  const database = new DatabaseSync(join(data, 'keys.db'));
  database.exec(sql);
  database.close();
}

/** Pages that were written, with what takes them back beside them. */
function leaveUnfinished(data: string): void {
  const file = join(data, 'keys.db');
  const [left, leftJournal] = [`${file}.left`, `${file}.left-journal`];
  const database = new DatabaseSync(file);
  database.exec(
    'PRAGMA journal_mode = TRUNCATE; PRAGMA cache_size = 1; PRAGMA cache_spill = 1; BEGIN IMMEDIATE; UPDATE session_secrets SET meta = zeroblob(60)',
  );
  database.exec('UPDATE class_key SET wrapped = zeroblob(60)');
  copyFileSync(file, left);
  copyFileSync(`${file}-journal`, leftJournal);
  database.exec('ROLLBACK');
  database.close();
  renameSync(left, file);
  renameSync(leftJournal, `${file}-journal`);
}

/** https://sqlite.org/fileformat.html#the_rollback_journal: the name of a super-journal stands at the end, with its length and sum. */
function nameOther(journal: string, other: string): void {
  const name = Buffer.from(other);
  const end = Buffer.alloc(8);
  end.writeUInt32BE(name.length);
  end.writeUInt32BE(
    name.reduce((sum, byte) => sum + byte, 0),
    4,
  );
  const page = Buffer.from([0, 0x40, 0, 1]);
  writeFileSync(journal, Buffer.concat([readFileSync(journal), page, name, end, Buffer.from('d9d505f920a163d7', 'hex')]));
}
