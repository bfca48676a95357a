import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { debianPostgres } from '../support/postgres-server.ts';
import { requireProgram } from '../support/require-program.ts';
import { psql, runProgram } from '../support/run.ts';
import { openShop, type Shop } from '../support/shop.ts';

const families = 20;
/** Types, a domain, a schema, an aggregate; and of each family a table with an identity, constraints, indexes, a trigger, a view, functions, comments, rows. */
const schema = `
create schema stock;
create type stock.state as enum ('new', 'paid', 'refunded');
create type stock.place as (street text, number int);
create domain stock.amount as numeric(12, 2) check (value >= 0);
create function stock.touch() returns trigger language plpgsql as $$ begin new.changed := new.made; return new; end $$;
create aggregate stock.longest(text) (sfunc = textcat, stype = text, initcond = '');
create sequence stock.numbers start 7 increment 3;
do $do$ begin
  for i in 1..${families} loop
    execute format($f$
      create table stock.t%1$s (
        id int generated always as identity primary key, other int references stock.t%2$s, state stock.state default 'new', place stock.place,
        price stock.amount, body text, raw bytea, tags text[], facts jsonb, made timestamptz default '2020-02-02 02:02:02+00', changed timestamptz,
        check (length(body) < 1000), unique (body)
      );
      create index t%1$s_state on stock.t%1$s (state, price desc) where price > 1;
      create index t%1$s_facts on stock.t%1$s using gin (facts);
      create view stock.v%1$s as select id, upper(body) as shout, (place).street from stock.t%1$s where state <> 'refunded';
      create materialized view stock.m%1$s as select state, sum(price) from stock.t%1$s group by state;
      create function stock.f%1$s(x int) returns stock.t%1$s language sql stable as 'select * from stock.t%1$s where id = x';
      create trigger t%1$s_touch before insert or update on stock.t%1$s for each row execute function stock.touch();
      comment on table stock.t%1$s is 'family %1$s, "quoted", it''s';
      comment on column stock.t%1$s.body is E'two\\nlines, a \\\\ and \\u00e4\\u4e2d\\U0001f600';
      insert into stock.t%1$s (state, place, price, body, raw, tags, facts)
        select (enum_range(null::stock.state))[1 + n %% 3], row('street ' || n, n)::stock.place, n / 3.0, E'row\\t' || n || E' \\\\N \\\\. \\u00e4\\U0001f600',
          decode(md5(n::text), 'hex'), array['a,b', null, '"' || n], jsonb_build_object('n', n, 'deep', jsonb_build_array(n, null))
        from generate_series(1, 200) n;
      refresh materialized view stock.m%1$s;
    $f$, i, greatest(1, i - 1));
  end loop;
end $do$;
select lo_from_bytea(0, decode(repeat(md5(n::text), 5000), 'hex')) from generate_series(1, 5) n;
select nextval('stock.numbers');
`;

const programs = ['psql', 'pg_dump', 'pg_restore', join(debianPostgres, 'postgres')];

describe('pg_dump and pg_restore through the gateway', requireProgram(...programs), () => {
  let shop: Shop;
  let directory: string;
  before(async () => {
    shop = await openShop({ postgres: { programs: debianPostgres } });
    directory = mkdtempSync(join(tmpdir(), 'countersign-dump-'));
    await succeed('psql', around('postgres'), ['-X', '-q', '-v', 'ON_ERROR_STOP=1', '-c', 'create database origin']);
    const made = await psql(around('origin'), ['-q', '-o', '/dev/null'], schema);
    assert.equal(made.status, 0, made.stderr);
  });
  after(async () => {
    rmSync(directory, { recursive: true, force: true });
    await shop[Symbol.asyncDispose]();
  });

  const around = (database: string) => ({ ...shop.around, PGDATABASE: database });
  const through = (database: string) => ({ ...shop.through, PGDATABASE: `shop/${database}` });

  test('a plain dump is the same, byte for byte, and restores through psql', async () => {
    const dump = await plainDump(through('origin'));
    assert.equal(dump, await plainDump(around('origin')));
    await succeed('createdb', around('postgres'), ['plain']);
    const restored = await psql(through('plain'), ['-q', '-o', '/dev/null', '--single-transaction'], dump);
    assert.equal(restored.status, 0, restored.stderr);
    assert.equal(await plainDump(around('plain')), dump);
    assert.equal(await plainDump(through('plain')), dump);
  });

  test('a custom dump has several hundred objects and restores over two connections', async () => {
    const [direct, dumped] = [join(directory, 'direct'), join(directory, 'dumped')];
    await succeed('pg_dump', around('origin'), ['-Fc', '-f', direct]);
    await succeed('pg_dump', through('origin'), ['-Fc', '-f', dumped]);
    const script = await asScript(dumped);
    // The archives themselves hold when they were made and of which database name.
    assert.equal(script, await asScript(direct));
    const contents = await succeed('pg_restore', {}, ['-l', dumped]);
    const objects = contents.split('\n').filter((line) => /^\d/.test(line));
    assert.ok(objects.length > 12 * families, `${objects.length} objects`);
    await succeed('createdb', around('postgres'), ['custom']);
    await succeed('pg_restore', through('custom'), ['-e', '-j', '2', '-d', 'shop/custom', dumped]);
    assert.equal(await plainDump(through('custom')), await plainDump(around('origin')));
  });

  test('the record holds', () => {
    const { status, stdout } = shop.gateway.verify();
    assert.equal(status, 0, stdout);
  });
});

async function plainDump(environment: Readonly<Record<string, string>>): Promise<string> {
  return withoutNonce(await succeed('pg_dump', environment, []));
}

async function asScript(archive: string): Promise<string> {
  return withoutNonce(await succeed('pg_restore', {}, ['-f', '-', archive]));
}

/** Each dump guards itself with a random word. */
function withoutNonce(dump: string): string {
  return dump.replaceAll(/^\\(un)?restrict \w+$/gm, '');
}

async function succeed(program: string, environment: Readonly<Record<string, string>>, words: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await runProgram(program, words, environment);
  assert.equal(status, 0, `${program} ${words.join(' ')}: ${stderr}`);
  return stdout;
}
