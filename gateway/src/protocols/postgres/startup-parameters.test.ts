import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { GatewayError } from '../../domain/errors.ts';
import { startupMessage } from './compose.ts';
import { readStartupParameters, settingStatements } from './startup-parameters.ts';
import { decodeStartupLength, parseStartupPacket, startupBytesMax } from './startup.ts';

const code = (expected: string) => (error: unknown) => error instanceof GatewayError && error.code === expected;
const read = (parameters: Readonly<Record<string, string>>) => readStartupParameters(new Map(Object.entries(parameters)));

test('a startup packet is decoded to the values that it was made from', () => {
  const parameters = new Map([
    ['user', 'bot'],
    ['database', 'orders/app'],
    ['application_name', 'äöü'],
  ]);
  const packet = startupMessage(parameters);
  assert.equal(decodeStartupLength(packet), packet.length);
  assert.deepEqual(parseStartupPacket(packet), { kind: 'startup', major: 3, minor: 0, parameters });
});

/** Each way in which a client says `name` at startup. */
const waysToSay = (name: string, value: string): readonly Readonly<Record<string, string>>[] => [
  { [name]: value },
  { [name.toUpperCase()]: value },
  { options: `-c ${name}=${value.replaceAll(/[\\\s]/g, '\\$&')}` },
  { options: `-c${name}=${value.replaceAll(/[\\\s]/g, '\\$&')}` },
  { options: `--${name.replaceAll('_', '-')}=${value.replaceAll(/[\\\s]/g, '\\$&')}` },
];

describe('A3: startup parameters', () => {
  const refused = ['session_authorization', 'role', 'session_preload_libraries', 'local_preload_libraries', 'is_superuser', 'log_connections'];
  for (const name of refused) {
    test(`${name} is not passed on, in no way`, () => {
      for (const way of waysToSay(name, 'x')) {
        assert.throws(() => read({ user: 'bot', ...way }), code('unsupported'), JSON.stringify(way));
      }
    });
  }

  test('T4.41, A3: user, database, options, replication and options of the protocol never count as settings', () => {
    for (const name of ['user', 'database', 'options', 'replication', '_pq_.x']) {
      for (const way of waysToSay(name, 'x').slice(2)) {
        assert.throws(() => read({ user: 'bot', ...way }), code('unsupported'), JSON.stringify(way));
      }
      assert.throws(() => read({ [name.toUpperCase()]: 'x' }), code('unsupported'), name);
    }
    for (const name of ['search path', 'a;b', "a'b", 'a=b', 'ſearch_path', '', '.', 'a..b']) {
      assert.throws(() => read({ [`x${name}`.slice(name === '' ? 1 : 0)]: 'x', 'x y': '' }), code('unsupported'), name);
    }
  });

  const may = {
    search_path: 'app, "Odd ""One"""',
    default_transaction_isolation: 'repeatable read',
    jit: 'off',
    geqo: 'off',
    work_mem: '64MB',
    plan_cache_mode: 'force_custom_plan',
    statement_timeout: '5s',
    transaction_timeout: '5s',
    idle_session_timeout: '5s',
    tcp_user_timeout: '5s',
    synchronous_commit: 'off',
    row_security: 'on',
    standard_conforming_strings: 'on',
    'app.tenant': "it's \\ 7",
  };
  for (const [name, value] of Object.entries(may)) {
    test(`T4.41: ${name} may be said at startup, in every spelling, since SET may say it`, () => {
      for (const way of waysToSay(name, value)) {
        assert.deepEqual(Object.fromEntries(read({ user: 'bot', ...way }).settings), { [name]: value }, JSON.stringify(way));
      }
    });
  }

  test('T4.41: a setting is described as the SET that does the same', () => {
    const statements = (parameters: Readonly<Record<string, string>>) => settingStatements(read(parameters).settings).others;
    assert.equal(statements({ search_path: may.search_path, jit: 'off' }), `SET search_path TO 'app', 'Odd "One"'; SET jit TO 'off'`);
    assert.equal(statements({ 'app.tenant': may['app.tenant'] }), String.raw`SET app.tenant TO E'it''s \\ 7'`);
    assert.equal(statements({ search_path: '"$user", Public' }), `SET search_path TO '$user', 'public'`);
    assert.equal(statements({ search_path: '' }), `SET search_path TO ''`);
    const { presentation, others } = settingStatements(read({ application_name: 'x', TimeZone: 'UTC', jit: 'off' }).settings);
    assert.deepEqual([presentation, others], ["SET application_name TO 'x'; SET timezone TO 'UTC'", "SET jit TO 'off'"]);
  });

  test('replication is refused, unless it says no', () => {
    for (const value of ['true', 'on', '1', 'database', '']) {
      assert.throws(() => read({ replication: value }), code('unsupported'));
    }
    assert.equal(read({ replication: 'false' }).settings.size, 0);
  });

  test('options are parsed into single settings, and a parameter wins over them', () => {
    const { settings } = read({ options: '-c statement_timeout=5s --DateStyle=ISO,\\ MDY -ctimezone=UTC', TimeZone: 'Europe/Vienna' });
    assert.deepEqual(Object.fromEntries(settings), { statement_timeout: '5s', datestyle: 'ISO, MDY', timezone: 'Europe/Vienna' });
    for (const options of ['-h', '-c', '-c x', '-B 10', '-c statement_timeout=1 -d 5', 'statement_timeout=1', '-c search\\=path=1=1 -x']) {
      assert.throws(() => read({ options }), code('unsupported'), options);
    }
  });

  test('protocol options are told apart, not passed on', () => {
    const { settings, unknownOptions } = read({ '_pq_.command_progress': '1', application_name: 'x' });
    assert.deepEqual(unknownOptions, ['_pq_.command_progress']);
    assert.deepEqual([...settings.keys()], ['application_name']);
  });
});

test('a parameter given twice is malformed, because another reader may take the other one', () => {
  const packet = Buffer.concat([Buffer.alloc(8), Buffer.from('user\0a\0user\0b\0\0')]);
  packet.writeUInt32BE(packet.length, 0);
  packet.writeUInt32BE(0x0003_0000, 4);
  assert.throws(() => parseStartupPacket(packet), code('malformed'));
});

test('A1, D33: a first packet of impossible length is refused before anything is waited for', () => {
  for (const length of [0, 4, 7, startupBytesMax + 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0x4745_5420]) {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(length);
    assert.throws(() => decodeStartupLength(bytes), code('malformed'));
  }
});

test('random startup packets: only our errors escape', () => {
  fc.assert(
    fc.property(fc.constantFrom(0x0003_0000, 80877102, 80877103, 80877104, 0x0002_0000), fc.uint8Array({ maxLength: 100 }), (kind, body) => {
      const packet = Buffer.concat([Buffer.alloc(8), body]);
      packet.writeUInt32BE(packet.length, 0);
      packet.writeUInt32BE(kind, 4);
      try {
        const parsed = parseStartupPacket(packet);
        if (parsed.kind === 'startup') {
          readStartupParameters(parsed.parameters);
        }
      } catch (error) {
        assert.ok(error instanceof GatewayError);
      }
    }),
  );
});
