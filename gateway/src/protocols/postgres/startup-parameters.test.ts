import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { GatewayError } from '../../domain/errors.ts';
import { startupMessage } from './compose.ts';
import { readStartupParameters } from './startup-parameters.ts';
import { decodeStartupLength, parseStartupPacket, startupBytesMax } from './startup.ts';

const code = (expected: string) => (error: unknown) => error instanceof GatewayError && error.code === expected;
const read = (parameters: Readonly<Record<string, string>>) => readStartupParameters(new Map(Object.entries(parameters)));

test('a startup packet comes out as it went in', () => {
  const parameters = new Map([
    ['user', 'bot'],
    ['database', 'orders/app'],
    ['application_name', 'äöü'],
  ]);
  const packet = startupMessage(parameters);
  assert.equal(decodeStartupLength(packet), packet.length);
  assert.deepEqual(parseStartupPacket(packet), { kind: 'startup', major: 3, minor: 0, parameters });
});

describe('A3: startup parameters', () => {
  const refused = ['search_path', 'session_authorization', 'role', 'session_preload_libraries', 'standard_conforming_strings', 'is_superuser', 'no_such'];
  for (const name of refused) {
    test(`${name} is not passed on, in no way`, () => {
      const ways = [
        { [name]: 'x' },
        { [name.toUpperCase()]: 'x' },
        { options: `-c ${name}=x` },
        { options: `-c${name}=x` },
        { options: `--${name.replaceAll('_', '-')}=x` },
      ];
      for (const way of ways) {
        assert.throws(() => read({ user: 'bot', ...way }), code('unsupported'), JSON.stringify(way));
      }
    });
  }

  test('replication is refused, unless it says no', () => {
    for (const value of ['true', 'on', '1', 'database', '']) {
      assert.throws(() => read({ replication: value }), code('unsupported'));
    }
    assert.equal(read({ replication: 'false' }).settings.size, 0);
  });

  test('options are taken apart: only allowed settings, each by itself, and a parameter wins over them', () => {
    const { settings } = read({ options: '-c statement_timeout=5s --DateStyle=ISO,\\ MDY -ctimezone=UTC', TimeZone: 'Europe/Vienna' });
    assert.deepEqual(Object.fromEntries(settings), { statement_timeout: '5s', datestyle: 'ISO, MDY', timezone: 'Europe/Vienna' });
    for (const options of ['-h', '-c', '-c x', '-B 10', '-c statement_timeout=1 -d 5', 'statement_timeout=1', '-c search_path\\=x=1']) {
      assert.throws(() => read({ options }), code('unsupported'), options);
    }
  });

  test('protocol options are told apart, not passed on', () => {
    const { settings, unknownOptions } = read({ '_pq_.command_progress': '1', application_name: 'x' });
    assert.deepEqual(unknownOptions, ['_pq_.command_progress']);
    assert.deepEqual([...settings.keys()], ['application_name']);
  });
});

test('a parameter given twice is malformed: nobody may read the other one', () => {
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
