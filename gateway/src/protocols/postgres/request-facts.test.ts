import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import type { Attributes } from '../../domain/action.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import { ClientUnits } from './client-units.ts';
import { Guard } from './guard/guard.ts';
import { LearnedObjects } from './guard/learned-catalogue.ts';
import { loadParser } from './guard/parser.ts';
import { SessionState } from './guard/session-state.ts';
import { RequestFacts, type PlannedStatement } from './request-facts.ts';
import { readRows } from './testdata/guard/corpus.ts';
import { clientMessages, int16s, int32s, message } from './testdata/shorthand.ts';

const guard = new Guard(await loadParser());
const objects = new LearnedObjects(readRows());
const base = {};

/** A connection whose client sends messages. `answered` says whether the target has answered all of them before the next. */
class Talk {
  readonly changes: string[] = [];
  learnedObjects: LearnedObjects | null = objects;
  answered = true;
  /** True if the target has not answered the last messages yet, but all those before them. */
  isSlow = false;
  seq = 0;
  /** The record that is known to have the Parse of what is executed. */
  parse: number | undefined;
  /** Why it was not sure what the last request runs. */
  doubt: string | null = null;
  readonly facts: RequestFacts;
  readonly #units = new ClientUnits(1024 * 1024);
  #learned: (() => void) | null = null;
  readonly #waiting: (() => void)[] = [];

  constructor(path: readonly string[] = ['public']) {
    const functions = new Map();
    const session = new SessionState({ guard, path, timeout: '', functions: () => functions, objects: () => this.learnedObjects });
    this.facts = new RequestFacts(session, {
      changing: () => this.changes.push('changing'),
      known: () => null,
      changed: ({ wasUnsure, isTables, learned }) => {
        this.changes.push(`${isTables ? 'made tables' : 'changed'}${wasUnsure ? ' unseen' : ''}`);
        this.#learned = learned;
      },
    });
  }

  /** Sends messages and returns the attributes of the last request. `done`: the target completes only so many messages of each unit. */
  says(line: string | Buffer, encoding = 'UTF8', done = Infinity): Attributes {
    this.#units.push(typeof line === 'string' ? clientMessages(line) : line);
    let attributes: Attributes = {};
    for (let unit = this.#units.next(); unit !== null; unit = this.#units.next()) {
      this.seq += 1;
      attributes = this.facts.attributes(base, unit, encoding, unit.kind === 'execute' ? this.parse : this.seq - 1);
      this.doubt = this.facts.doubt(unit, encoding);
      const settle = this.facts.sent(unit, this.seq, encoding, this.answered);
      this.#waiting.push(() => settle?.(done));
      if (this.answered && !this.isSlow) {
        this.answer();
      }
    }
    return attributes;
  }

  /** The target answers everything. */
  answer(): void {
    for (const settle of this.#waiting.splice(0)) {
      settle();
    }
  }

  effects(line: string | Buffer, encoding = 'UTF8'): string {
    return listed(this.says(line, encoding)[ownAttributes.effects]);
  }

  learn(): void {
    this.#learned?.();
  }
}

function listed(value: unknown): string {
  return Array.isArray(value) ? value.join(' ') : '';
}

describe('a unit that changes rows is planned with its own types and values', () => {
  const text = 'DELETE FROM payroll WHERE id = $1';
  const [parse, sync] = [(name: string, type: number) => message('P', name, text, int16s(1), int32s(type)), message('S')];
  const bind = (name: string, format: number): Buffer => message('B', '', name, int16s(1, format, 1), int32s(4), int32s(7), int16s(2, 1, 1));
  const execute = message('E', '', int32s(0));
  /** Returns how the last unit is planned. Those before it were sent. */
  const planned = (...parts: readonly Buffer[]): PlannedStatement | null => {
    const talk = new Talk();
    const [last = sync, ...before] = parts.toReversed();
    for (const part of before.toReversed()) {
      talk.says(part);
    }
    const units = new ClientUnits(1024 * 1024);
    units.push(last);
    const unit = units.next();
    return unit === null ? null : talk.facts.planned(unit, 'UTF8');
  };

  test('A14: the formats of its result are left out, and values that are no texts need the types of the Parse', () => {
    const [types, values] = [Buffer.concat([int16s(1), int32s(23)]), Buffer.concat([int16s(1, 1, 1), int32s(4), int32s(7)])];
    assert.deepEqual(planned(Buffer.concat([parse('', 23), bind('', 1), execute, sync])), { text, path: ['public'], bound: { types, values } });
    assert.equal(planned(Buffer.concat([parse('a', 23), sync]), Buffer.concat([bind('a', 1), execute, sync])), null);
    assert.deepEqual(planned(Buffer.concat([parse('a', 23), sync]), Buffer.concat([bind('a', 0), execute, sync]))?.bound?.types, int16s(0));
  });

  test('A14: none is planned with a type of others, by a name that may stand for another text, or together with others', () => {
    assert.equal(planned(Buffer.concat([parse('', 16_400), bind('', 0), execute, sync])), null);
    assert.equal(planned(Buffer.concat([parse('b', 23), sync]), Buffer.concat([parse('a', 25), bind('b', 0), execute, sync])), null);
    assert.equal(planned(Buffer.concat([parse('', 23), parse('a', 23), bind('', 0), execute, sync])), null);
    assert.equal(planned(Buffer.concat([parse('', 23), sync])), null);
    assert.equal(planned(Buffer.concat([bind('unknown', 0), execute, sync])), null);
  });
});

describe('a name stands for every text that it may stand for', () => {
  test('A14: a statement has the facts of its Parse, as the same object', () => {
    const talk = new Talk();
    assert.equal(talk.effects('P:a:DELETE FROM payroll / S'), 'destroy write');
    assert.equal(talk.effects('P:b:SELECT 1 / S'), 'read');
    talk.parse = 1;
    const [first, other] = [talk.says('B::a: / E: / S'), talk.says('B::b: / E: / S')];
    assert.equal(listed(first[ownAttributes.effects]), 'destroy write');
    assert.equal(listed(other[ownAttributes.effects]), 'read');
    assert.equal(talk.says('B::a: / E: / S'), first);
    assert.equal(talk.says('B::b: / D:P: / E: / S'), other);
    assert.equal(talk.effects('B::c: / E: / S'), 'unknown');
  });

  test('A14: what an event trigger does at the login is done before the first statement', () => {
    const after = (call: string): string => {
      const talk = new Talk();
      const login = { kind: 'always', schema: '', name: 'login', runs: [{ on: ['call'], sql: `SELECT ${call}()` }] } as const;
      talk.learnedObjects = new LearnedObjects([...readRows(), login]);
      return talk.effects('Q:SELECT id FROM orders');
    };
    assert.equal(after('app.archive'), 'read');
    assert.equal(after('app.wipe_any'), 'read unknown');
    const talk = new Talk();
    talk.learnedObjects = new LearnedObjects([
      ...readRows(),
      { kind: 'always', schema: '', name: 'login', runs: [{ on: ['call'], sql: 'SELECT app.moves_path()' }] },
    ]);
    assert.equal(listed(talk.says('Q:SELECT id FROM customers')[ownAttributes.tables]), 'evil.customers public.customers');
  });

  test('A14: a statement has the same facts, as the same object, also in a session of which nothing is known any more', () => {
    const talk = new Talk();
    talk.says('Q:SELECT evil.anything()');
    assert.equal(talk.effects('P:s:SELECT id FROM public.payroll / S'), 'read unknown');
    talk.parse = 2;
    const executed = talk.says('B::s: / E: / S');
    assert.equal(talk.says('B::s: / E: / S'), executed);
  });

  test('A14: the types that a Parse names for its parameters count where it is sent and wherever it is executed', () => {
    const types = new Map(readRows().flatMap(({ kind, name, oids = [] }) => (kind === 'type' ? [[name, oids] as const] : [])));
    const [checked = 0, manyChecked = 0] = types.get('checked') ?? [];
    const parse = (...named: readonly number[]): Buffer => message('P', 's', 'SELECT $1', int16s(named.length), int32s(...named));
    const effects = (...named: readonly number[]): string => {
      const talk = new Talk();
      const prepared = talk.effects(Buffer.concat([parse(...named), message('S')]));
      const executed = talk.effects('B::s:1 / E: / S');
      assert.equal(executed, prepared);
      assert.equal(new Talk().effects(Buffer.concat([parse(...named), clientMessages('B::s:1 / E: / S')])), prepared);
      return prepared;
    };
    for (const [name, wanted] of [
      ['checked', 'read write'],
      ['over_checked', 'read write'],
      ['pair', 'read write'],
      ['span', 'read write'],
      ['with_domain', 'read write'],
      ['positive', 'read'],
      ['mood', 'read'],
      ['payroll', 'read'],
    ] as const) {
      assert.equal(effects(23, types.get(name)?.[0] ?? 0), wanted, name);
    }
    assert.equal(effects(manyChecked), 'read write');
    assert.equal(effects(23, 25, 0), 'read');
    assert.equal(effects(99_999), 'read unknown');
    const talk = new Talk();
    talk.says(Buffer.concat([parse(types.get('mood')?.[0] ?? 0), message('S')]));
    talk.learnedObjects = new LearnedObjects(readRows().filter(({ name }) => name !== 'mood'));
    assert.equal(talk.effects('B::s:1 / E: / S'), 'read unknown');
    // A Parse that is too short for its types is read in no way.
    assert.equal(new Talk().effects(Buffer.concat([message('P', 's', 'SELECT $1', int16s(2), int32s(checked)), message('S')])), 'unknown');
  });

  test('A14: a Parse whose fate is not known replaces nothing', () => {
    const talk = new Talk();
    talk.says('P:a:DELETE FROM payroll / S');
    // The target refuses this one, because the name is taken.
    talk.answered = false;
    talk.says('P:a:SELECT 1 / S');
    assert.equal(talk.effects('B::a: / E: / S'), 'destroy read write');
    talk.says('P::DELETE FROM payroll / S');
    talk.says('P::SELECT 1 / S');
    assert.equal(talk.effects('B::: / E: / S'), 'destroy read write');
    talk.answered = true;
    talk.says('P::SELECT 1 / S');
    assert.equal(talk.effects('B::: / E: / S'), 'read');
  });

  test('A14, B20: once the target has answered, a name stands for the one text that it took', () => {
    const talk = new Talk();
    talk.says('P:a:DELETE FROM payroll / S');
    talk.says('P:a:SELECT 1 / S', 'UTF8', 0);
    assert.equal(talk.effects('B::a: / E: / S'), 'destroy write');
    assert.equal(talk.doubt, null);
    talk.answered = false;
    talk.says('C:S:a / P:a:SELECT 1 / S');
    assert.equal(talk.effects('B::a: / E: / S'), 'destroy read write');
    assert.match(talk.doubt ?? '', /may be another statement/);
    talk.answer();
    talk.answered = true;
    assert.equal(talk.effects('B::a: / E: / S'), 'read');
    assert.equal(talk.doubt, null);
    talk.says('B:p:a: / S');
    talk.says('C:S:a / P:a:DELETE FROM payroll / B:p:a: / S', 'UTF8', 2);
    assert.equal(talk.effects('E:p / S'), 'read');
  });

  test('A14: the target may refuse the first message of a request, and then takes none of the others', () => {
    const talk = new Talk();
    talk.says('P:a:DELETE FROM payroll / P::DELETE FROM payroll / S');
    talk.says('P:b:SELECT / C:S:a / P:a:SELECT 1 / P::SELECT 1 / S', 'UTF8', 0);
    assert.equal(talk.effects('B::a: / E: / S'), 'destroy write');
    assert.equal(talk.effects('B::: / E: / S'), 'destroy write');
    talk.isSlow = true;
    talk.says('P:b:SELECT / C:S:a / P:a:SELECT 1 / P::SELECT 1 / S', 'UTF8', 0);
    assert.equal(talk.effects('B::a: / E: / S'), 'destroy read write');
    assert.equal(talk.effects('B::: / E: / S'), 'destroy read write');
  });

  test('A14: a statement that SQL has deallocated stands for nothing any more, and another one of its name for itself', () => {
    for (const text of ['DEALLOCATE a', 'deallocate prepare "a";', 'DEALLOCATE ALL', 'DISCARD ALL']) {
      const talk = new Talk();
      talk.says('P:a:DELETE FROM payroll / S');
      talk.says(`Q:${text}`);
      talk.says('Q:PREPARE a AS SELECT 1');
      assert.equal(talk.effects('Q:EXECUTE a'), 'read', text);
      assert.equal(talk.doubt, null);
    }
    for (const [text, done] of [
      ['DEALLOCATE a', 0],
      ['DEALLOCATE "all"', 1],
      ['deallocate prepare all --', 1],
      ['DEALLOCATE b', 1],
      ['SELECT 1; DEALLOCATE a', 1],
    ] as const) {
      const talk = new Talk();
      talk.says('P:a:DELETE FROM payroll / S');
      talk.says(`Q:${text}`, 'UTF8', done);
      talk.says('Q:PREPARE a AS SELECT 1');
      assert.equal(talk.effects('Q:EXECUTE a'), 'destroy read write', text);
      assert.match(talk.doubt ?? '', /may be another statement/);
    }
    const late = new Talk();
    late.answered = false;
    for (const text of ['P:a:SELECT 1 / S', 'Q:DEALLOCATE a', 'Q:PREPARE a AS DELETE FROM payroll']) {
      late.says(text);
    }
    late.answer();
    assert.equal(late.effects('Q:EXECUTE a'), 'destroy read write');
  });

  test('A14, B20: after code that nobody could read, no name is sure but one that was given since', () => {
    const talk = new Talk();
    talk.says('P:a:SELECT 1 / P:b:SELECT 2 / S');
    talk.says("Q:DO $$ BEGIN EXECUTE 'deallocate ' || 'a'; EXECUTE 'prepare a as ' || 'DELETE FROM payroll'; END $$");
    assert.equal(talk.effects('B::a: / E: / S'), 'read unknown');
    assert.match(talk.doubt ?? '', /may be another statement/);
    talk.says('C:S:a / P:a:SELECT 3 / S');
    talk.says('B::a: / D:P: / S');
    talk.says('P:a:SELECT 4 / S', 'UTF8', 0);
    assert.equal(talk.effects('B::a: / E: / S'), 'read unknown');
    assert.equal(talk.doubt, null);
    talk.says('Q:EXECUTE b');
    assert.match(talk.doubt ?? '', /may be another statement/);
    // Each statement of a session of which nothing is known may run such code again.
    talk.says('B::a: / E: / S');
    assert.match(talk.doubt ?? '', /may be another statement/);
  });

  test('B20: a text that nobody can read is sure too, as the only one of its name', () => {
    const talk = new Talk();
    talk.says('Q:SELECT 1');
    for (const line of ["Q:DELETE FROM payroll WHERE employee = 'ä'", "P:a:DELETE FROM payroll WHERE employee = 'ä' / B::a: / E: / S", 'B::a: / E: / S']) {
      assert.match(talk.effects(line, 'LATIN1'), /unknown/);
      assert.equal(talk.doubt, null, line);
      talk.facts.idle();
      talk.says('C:S:a / S');
      talk.says("P:a:DELETE FROM payroll WHERE employee = 'ä' / S", 'LATIN1');
    }
    talk.says('P:a:SELECT 1 / S', 'UTF8', 0);
    talk.says('B::a: / E: / S');
    assert.equal(talk.doubt, null);
    talk.answered = false;
    talk.says("P:b:DELETE FROM payroll WHERE employee = 'ä' / S", 'LATIN1');
    talk.says('B::b: / E: / S');
    assert.match(talk.doubt ?? '', /may be another statement/);
  });

  test('B20: the records of the texts are named that a request runs by names, and how sure that is', () => {
    const talk = new Talk();
    const named = (line: string): unknown => {
      const attributes = talk.says(line);
      return [attributes[ownAttributes.namedRecords], attributes[ownAttributes.namesAreSure]];
    };
    assert.deepEqual(named('P:a:SELECT 1 / S'), [undefined, undefined]);
    assert.deepEqual(named('Q:PREPARE b AS DELETE FROM payroll'), [undefined, undefined]);
    assert.deepEqual(named('Q:EXECUTE a'), [['1'], undefined]);
    assert.deepEqual(named('Q:EXECUTE b; EXECUTE a'), [['1', '2'], undefined]);
    assert.deepEqual(named('P::EXECUTE b / B::: / E: / S'), [['2'], undefined]);
    talk.parse = 1;
    assert.deepEqual(named('B::a: / E: / S'), [undefined, undefined], 'its Parse is known');
    talk.parse = undefined;
    assert.deepEqual(named('B::b: / E: / S'), [['2'], undefined], 'SQL prepared it');
    assert.deepEqual(named('Q:PREPARE d AS SELECT 2; EXECUTE d'), [undefined, undefined], 'it is its own text');
    assert.deepEqual(named('Q:BEGIN; DECLARE c CURSOR FOR SELECT * FROM customers'), [undefined, undefined]);
    assert.deepEqual(named('Q:MOVE 5 FROM c'), [['9'], undefined]);
    assert.deepEqual(named('Q:EXECUTE none'), [undefined, false]);
    assert.deepEqual(named('Q:SELECT 1; DEALLOCATE a; PREPARE a AS SELECT 3'), [undefined, undefined]);
    assert.deepEqual(named('Q:EXECUTE a'), [['1', '12'], false]);
    assert.deepEqual(named('B::a: / E: / S'), [['1', '12'], false]);
    for (let i = 0; i < 20; i += 1) {
      talk.says(`Q:PREPARE more${i} AS SELECT ${i}`);
    }
    const many = talk.says(`Q:${Array.from({ length: 20 }, (_, i) => `EXECUTE more${i}`).join('; ')}`);
    assert.equal(many[ownAttributes.namesAreSure], false);
    assert.match(talk.doubt ?? '', /may be another statement/, 'people would not see all');
    talk.says('C:S:a / S');
    talk.says("P:other:DELETE FROM payroll WHERE employee = 'ä' / S", 'LATIN1');
    talk.says('Q:EXECUTE other', 'LATIN1');
    assert.match(talk.doubt ?? '', /may be another statement/, 'people would not see it');
  });

  test('A14: what a body prepares or declares is unknown, and a cursor that it opens may have any name', () => {
    for (const text of ["EXECUTE 'PREPARE a AS SELECT 1'", "EXECUTE 'DECLARE c CURSOR WITH HOLD FOR SELECT 1'"]) {
      assert.match(new Talk().effects(`Q:DO $$ BEGIN ${text}; END $$`), /unknown/);
    }
    const talk = new Talk();
    talk.says('Q:BEGIN; DECLARE c CURSOR FOR SELECT * FROM customers');
    assert.deepEqual(talk.says('Q:FETCH ALL FROM c')[ownAttributes.tables], ['public.customers']);
    assert.equal(talk.doubt, null);
    talk.says('Q:CLOSE c');
    // The name of the variable is the name of the cursor.
    talk.says('Q:DO $$ DECLARE c CURSOR FOR SELECT * FROM payroll; BEGIN OPEN c; END $$');
    for (const line of ['Q:FETCH ALL FROM c', 'E:c / S']) {
      assert.deepEqual(talk.says(line)[ownAttributes.tables], ['public.customers', 'public.payroll']);
      assert.match(talk.doubt ?? '', /may be another statement/);
    }
    talk.says('Q:COMMIT');
    talk.facts.idle();
    assert.equal(talk.effects('Q:FETCH ALL FROM c'), 'read unknown');
  });

  test('A14: a Close counts when the target has answered everything', () => {
    const talk = new Talk();
    talk.says('P:a:DELETE FROM payroll / S');
    talk.answered = false;
    talk.says('C:S:a / S');
    talk.says('P:a:SELECT 1 / S');
    assert.equal(talk.effects('B::a: / E: / S'), 'destroy read write');
    talk.answered = true;
    talk.says('C:S:a / S');
    talk.says('P:a:SELECT 1 / S');
    assert.equal(talk.effects('B::a: / E: / S'), 'read');
  });

  test('A14: what is parsed and executed in one request counts, and so does what is only parsed', () => {
    const talk = new Talk();
    talk.answered = false;
    assert.equal(talk.effects('P::SELECT 1 / B::: / E: / S'), 'read');
    assert.equal(talk.effects('P:x:DELETE FROM payroll / P::SELECT 1 / B::: / E: / S'), 'destroy read write');
    assert.equal(talk.effects('P:y:SELECT 1 / B::x: / E: / S'), 'destroy read write');
  });

  test('A14: a portal has the facts of its Bind', () => {
    const talk = new Talk();
    talk.says('P:a:DELETE FROM payroll / P:b:SELECT 1 / S');
    talk.says('B:p:a: / B:q:b: / S');
    assert.equal(talk.effects('E:p / S'), 'destroy write');
    assert.equal(talk.effects('E:q / S'), 'read');
    assert.equal(talk.effects('E:r / S'), 'unknown');
    assert.equal(new Talk().effects('E: / S'), 'unknown');
  });

  test('A14: SQL and messages share the names of statements and cursors', () => {
    const talk = new Talk();
    talk.says('Q:PREPARE a AS DELETE FROM payroll');
    assert.equal(talk.effects('B::a: / E: / S'), 'destroy write');
    talk.says('P:b:SELECT * FROM payroll / B:c:b: / S');
    assert.deepEqual(talk.says('Q:EXECUTE b')[ownAttributes.tables], ['public.payroll']);
    assert.deepEqual(talk.says('Q:FETCH ALL FROM c')[ownAttributes.tables], ['public.payroll']);
    assert.equal(talk.effects('Q:PREPARE d AS DELETE FROM payroll; EXECUTE d'), 'destroy read write');
  });

  test('A14, E55: more names and texts than are kept are unknown', () => {
    const talk = new Talk();
    talk.answered = false;
    for (let i = 0; i < 9; i += 1) {
      talk.says(`P:a:SELECT ${i} / S`);
    }
    assert.equal(talk.effects('B::a: / E: / S'), 'unknown');
    const many = new Talk();
    many.says('P:first:SELECT 1 / S');
    for (let i = 0; i < 5_000; i += 1) {
      many.says(`P:n${i}:SELECT 1 / S`);
    }
    many.says('P:first:SELECT 2 / S', 'UTF8', 0);
    assert.equal(many.effects('B::first: / E: / S'), 'unknown');
    const long = new Talk();
    for (let i = 0; i < 90; i += 1) {
      long.says(`P:n${i}:SELECT 1 -- ${String(i).padEnd(100_000)} / S`);
    }
    assert.equal(long.effects('B::n1: / E: / S'), 'read');
    assert.equal(long.effects('B::n89: / E: / S'), 'unknown');
  });
});

describe('a session is followed', () => {
  test('A14: a text that is read before the catalogue is known is read again', () => {
    const talk = new Talk();
    talk.learnedObjects = null;
    assert.equal(talk.effects('Q:SELECT id FROM orders'), 'read unknown');
    talk.learnedObjects = objects;
    assert.equal(talk.effects('Q:SELECT id FROM orders'), 'read');
    talk.learnedObjects = null;
    talk.says('Q:SELECT app.wipe_any($$x$$)');
    talk.learnedObjects = objects;
    assert.equal(talk.effects('Q:SELECT id FROM orders'), 'read unknown');
  });

  test('A14: texts that change the catalogue before it is known are read again', () => {
    const talk = new Talk();
    talk.learnedObjects = null;
    for (const text of ['SELECT id INTO made FROM orders', 'CREATE INDEX ON orders (lower(id::text))']) {
      talk.says(`Q:${text}`);
    }
    talk.facts.idle();
    talk.learnedObjects = objects;
    talk.learn();
    assert.equal(talk.effects('Q:SELECT id FROM orders'), 'read');
  });

  test('A14: after a change of the catalogue nothing is certain until it is learned again', () => {
    const talk = new Talk();
    assert.equal(talk.effects('Q:CREATE FUNCTION public.lower(int) RETURNS int LANGUAGE sql AS $$SELECT 1$$'), 'define');
    assert.equal(talk.effects("Q:SELECT lower('x')"), 'read unknown');
    talk.facts.idle();
    talk.learn();
    assert.deepEqual(talk.changes, ['changed']);
    assert.equal(talk.effects("Q:SELECT lower('x')"), 'read');
    talk.facts.idle();
    assert.deepEqual(talk.changes, ['changed']);
  });

  test('A14: a change of the settings of later sessions is a change of the catalogue, which has their search path', () => {
    for (const text of ['ALTER ROLE app SET search_path = evil', 'ALTER DATABASE shop SET search_path = evil', 'ALTER SYSTEM SET search_path = evil']) {
      const talk = new Talk();
      assert.equal(talk.effects(`Q:${text}`), 'administer');
      talk.facts.idle();
      assert.deepEqual(talk.changes, ['changed']);
    }
  });

  test('A14: a change that others may see before the target says so is told before it is sent', () => {
    const talk = new Talk();
    talk.says('Q:CREATE TABLE made (id int); COMMIT; SELECT pg_sleep(9)');
    assert.deepEqual(talk.changes, ['changing']);
    talk.facts.ended();
    assert.deepEqual(talk.changes, ['changing', 'made tables unseen']);
    assert.equal(talk.effects('Q:SELECT * FROM made'), 'read');
    const temporary = new Talk();
    temporary.says('Q:CREATE TEMP TABLE made (id int)');
    temporary.facts.idle();
    assert.deepEqual(temporary.changes, []);
    assert.deepEqual(temporary.says('Q:SELECT * FROM made')[ownAttributes.reads], ['pg_temp.made']);
  });

  test('A14: many search paths are any', () => {
    const talk = new Talk();
    for (const path of ['app', 'evil', 'a', 'b', 'c', 'd']) {
      talk.says(`Q:SET search_path = ${path}`);
    }
    assert.equal(talk.effects('Q:SELECT id FROM public.payroll'), 'read');
    assert.equal(talk.effects('Q:SELECT id FROM customers'), 'read unknown');
  });

  test('A14: COPY data have the facts of their statement by the catalogue that is known when they come', () => {
    for (const copy of ['Q:COPY payroll FROM STDIN', 'P::COPY payroll FROM STDIN / B::: / E: / S']) {
      const talk = new Talk();
      talk.learnedObjects = null;
      assert.equal(talk.effects(copy), 'unknown write');
      talk.learnedObjects = objects;
      assert.equal(talk.effects('d:1'), 'write');
      const long = new Talk();
      long.learnedObjects = null;
      long.says(copy.replace('STDIN', `STDIN ${' '.repeat(20_000)}`));
      long.learnedObjects = objects;
      assert.equal(long.effects('d:1'), 'unknown write');
    }
  });

  test('A14: functions called by their ids, COPY data, and texts in other encodings', () => {
    const talk = new Talk();
    assert.equal(talk.effects('F:955'), 'write');
    assert.equal(talk.effects('F:964'), 'destroy write');
    assert.equal(talk.effects('Q:COPY payroll FROM STDIN'), 'write');
    assert.deepEqual(talk.says('d:1 / c')[ownAttributes.writes], ['public.payroll']);
    assert.equal(talk.effects('d:1 / c'), 'unknown');
    assert.equal(talk.effects("Q:SELECT 'ä'"), 'read');
    assert.equal(talk.effects("Q:SELECT 'ä'", 'SJIS'), 'unknown');
    const broken = new Talk();
    assert.equal(broken.effects(message('Q', Buffer.from('53454c4543542027ff2700', 'hex'))), 'unknown');
    const pipelined = new Talk();
    pipelined.says("Q:SET client_encoding = 'SJIS'");
    assert.equal(pipelined.effects("Q:SELECT 'ä'"), 'unknown');
    assert.equal(new Talk().effects('F:77'), 'unknown');
  });
});
