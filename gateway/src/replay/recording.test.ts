import { strict as assert } from 'node:assert';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { z } from 'zod';
import { MalformedError } from '@countersign/ledger';
import { GatewayError } from '../domain/errors.ts';
import type { StreamFacts } from '../domain/protocol.ts';
import type { EntryDraft } from '../recording/batch.ts';
import { openRecorder } from '../recording/testdata/open-recorder.ts';
import { textDifference } from '../content/text-difference.ts';
import { Recording } from './recording.ts';
import { writeBundle } from './testdata/write-bundle.ts';

let data: string;
before(() => {
  data = mkdtempSync(join(tmpdir(), 'countersign-recording-'));
});
after(() => {
  rmSync(data, { recursive: true, force: true });
});

/** Its requests are known by their text; what begins with `own` is nobody's. */
const stream: StreamFacts = {
  id: 'toy',
  title: 'Toy',
  transport: 'stream',
  valuePlaces: 'columns',
  schemes: {},
  actions: [],
  context: [],
  options: z.record(z.string(), z.unknown()),
  connection: () => ({ url: '', environment: {}, command: '' }),
  render: () => ({ mediaType: 'text/plain', text: '', attributes: {} }),
  replay: {
    keys:
      () =>
      ({ bytes }) =>
        bytes.toString().startsWith('own') ? null : { text: bytes.toString(), ids: [] },
    differ: (recorded, asked) => textDifference(recorded, asked, 'text'),
    connect: () => {
      throw new GatewayError('unsupported', 'Nobody connects.');
    },
  },
};

const opening = (channel: number, target = 'a'): EntryDraft => ({
  kind: 'decision',
  meta: JSON.stringify({
    channel,
    opens: { target, protocol: 'toy', targets: [{ name: 'given', protocol: 'toy', scheme: 's', host: 'h', port: 1, path: 'p', options: {} }] },
  }),
  content: [],
});
const request = (channel: number, text: string, more: Partial<EntryDraft> & { readonly of?: number } = {}): EntryDraft => ({
  kind: 'request',
  content: [Buffer.from(text)],
  ...more,
  meta: JSON.stringify({ channel, action: 'toy.ask', ...(more.of === undefined ? {} : { request: more.of }) }),
});
const response = (channel: number, of: number | undefined, text: string, continues = false): EntryDraft => ({
  kind: 'response',
  meta: JSON.stringify({ channel, request: of, attributes: { a: text.length } }),
  content: [Buffer.from(text)],
  continues,
});

const bundleOf = async (...drafts: readonly (EntryDraft | number)[]): Promise<string> => writeBundle(data, drafts);

const options = { findProtocol: (id: string) => (id === 'toy' ? stream : undefined), speed: null };

/** Returns the answers of the request that is taken, as text. A piece that more follows ends with a plus. */
async function taken(recording: Recording, key: string, channel: number | null = null): Promise<string[] | string> {
  const found = recording.take('a', { text: key, ids: [] }, channel);
  if (typeof found === 'string') {
    return found;
  }
  const said: string[] = [];
  for await (const { content, continues, isAnswer } of found.answer()) {
    said.push(`${isAnswer ? '' : '!'}${content.toString()}${continues ? '+' : ''}`);
  }
  return said;
}

test('each request is found once, in order, first in the recorded connection that this one already follows', async () => {
  const file = await bundleOf(
    opening(1),
    opening(2),
    request(1, 'x'),
    request(2, 'x'),
    response(2, 4, 'second'),
    response(1, 3, 'fir', true),
    response(1, 3, 'st'),
    request(1, 'own'),
    response(1, 8, 'nobody’s'),
    request(2, 'x'),
    response(2, 10, 'third'),
    response(2, undefined, 'unasked'),
  );
  await using handle = await open(file);
  const inOrder = await Recording.open(handle, options);
  assert.deepEqual([...inOrder.targets.keys()], ['given', 'a']);
  assert.deepEqual([await taken(inOrder, 'x'), await taken(inOrder, 'x'), await taken(inOrder, 'x')], [['fir+', 'st'], ['second'], ['third', '!unasked']]);
  assert.equal(await taken(inOrder, 'x'), 'used up');
  assert.equal(await taken(inOrder, 'own'), 'unknown');
  const channel = await Recording.open(handle, options);
  assert.deepEqual(
    [await taken(channel, 'x', 2), await taken(channel, 'x', 2), await taken(channel, 'x', 2)],
    [['second'], ['third', '!unasked'], ['fir+', 'st']],
  );
  assert.equal(channel.take('given', { text: 'x', ids: [] }, null), 'unknown', 'asked of another target');
});

test('where parts have no answer of their own, what comes after one still answers the request', async () => {
  const file = await bundleOf(opening(1), request(1, 'run'), response(1, 2, 'one'), request(1, 'own input', { of: 2 }), response(1, 2, 'two'));
  await using handle = await open(file);
  const withAnswers = await Recording.open(handle, options);
  assert.deepEqual(await taken(withAnswers, 'run'), ['one']);
  const without = { ...stream, replay: { ...stream.replay, partsHaveNoAnswer: true as const } };
  const recording = await Recording.open(handle, { ...options, findProtocol: () => without });
  assert.deepEqual(await taken(recording, 'run'), ['one', 'two']);
});

test('a request in several records is one request; a later request for the same is another', async () => {
  const mebibyte = 'm'.repeat(1024 * 1024);
  const file = await bundleOf(
    opening(1),
    request(1, 'be', { continues: true }),
    request(1, mebibyte, { of: 2, continues: true }),
    request(1, 'gin', { of: 3, continues: true }),
    request(1, 'end', { of: 2 }),
    response(1, 2, mebibyte, true),
    response(1, 6, 'rest', true),
    request(1, 'copy', { of: 2, continues: true }),
    request(1, 'data', { of: 2 }),
    response(1, 2, 'done'),
  );
  await using handle = await open(file);
  const recording = await Recording.open(handle, options);
  const key = `be${mebibyte}ginend`;
  const found = recording.take('a', { text: key, ids: [] }, null);
  assert.ok(typeof found === 'object');
  assert.equal((await found.bytes()).toString(), key);
  const again = await Recording.open(handle, options);
  assert.deepEqual(await taken(again, key), [`${mebibyte}+`, 'rest+']);
  assert.deepEqual(await taken(again, 'copydata'), ['done']);
});

test('T4.26: for a request that was not recorded the nearest one is named, read with those before it in its channel; of several, the latest', async () => {
  const file = await bundleOf(
    opening(1),
    opening(2),
    request(1, 'name is ada'),
    request(2, 'name is bob'),
    request(1, 'greet'),
    request(2, 'greet'),
    request(2, 'own'),
  );
  const named: StreamFacts = {
    ...stream,
    replay: {
      ...stream.replay,
      keys: () => {
        let name = '';
        return ({ bytes }) => {
          const text = bytes.toString();
          name = text.startsWith('name is ') ? text.slice('name is '.length) : name;
          return text === 'own' ? null : { text: text.replace('greet', `greet ${name}`), ids: [] };
        };
      },
    },
  };
  await using handle = await open(file);
  const recording = await Recording.open(handle, { ...options, findProtocol: () => named });
  const target = recording.targets.get('a');
  assert.ok(target !== undefined);
  const nearest = async (text: string): Promise<readonly unknown[] | null> => {
    const found = await recording.nearest(target, { text, ids: [] });
    return found && [found.seq, found.difference.at, found.difference.recorded, found.difference.asked];
  };
  assert.deepEqual(await nearest('greet adam'), [5, 'text, character 9', '', 'm']);
  assert.deepEqual(await nearest('greet cleo'), [6, 'text, character 6', 'bob', 'cleo']);
  const given = recording.targets.get('given');
  assert.equal(given && (await recording.nearest(given, { text: 'greet ada', ids: [] })), null, 'of another target');
});

test('an answer comes no faster than it was recorded, where that is wanted', async () => {
  const pauseMs = 60;
  const file = await bundleOf(opening(1), request(1, 'x'), pauseMs, response(1, 2, 'a', true), response(1, 2, 'b'));
  await using handle = await open(file);
  const recording = await Recording.open(handle, { ...options, speed: 0.5 });
  const startedMs = performance.now();
  // A timer has nobody who waits for it here.
  const alive = setInterval(() => undefined, pauseMs);
  assert.deepEqual(await taken(recording, 'x'), ['a+', 'b']);
  clearInterval(alive);
  // Clocks are cut to milliseconds, timers may be early by one.
  assert.ok(performance.now() - startedMs >= 2 * (pauseMs - 2) - 1);
});

test('a file that is changed once it was verified is not read', async () => {
  const file = await bundleOf(opening(1), request(1, 'x'), response(1, 2, 'the answer'));
  await using handle = await open(file, 'r+');
  const recording = await Recording.open(handle, options);
  const text = await handle.readFile('utf8');
  const at = text.indexOf(Buffer.from('the answer').toString('base64'));
  await handle.write('A', at);
  await assert.rejects(taken(recording, 'x'), { code: 'store_damaged', message: /was changed/ });
  await assert.rejects(Recording.open(handle, options), { code: 'store_damaged', message: /does not hold.*integrity/ });
});

test('a bundle that somebody else signed, or from which a record is missing, is not read', async () => {
  const file = await bundleOf(opening(1), request(1, 'x'), response(1, 2, 'the answer'));
  const other = mkdtempSync(join(tmpdir(), 'countersign-recording-'));
  const { recorder, keys } = await openRecorder(other);
  await recorder[Symbol.asyncDispose]();
  keys[Symbol.dispose]();
  const keyOf = (directory: string): string => readFileSync(join(directory, 'log', 'key'), 'utf8').trim();
  await using handle = await open(file, 'r+');
  await Recording.open(handle, { ...options, keys: [keyOf(other), keyOf(data)] });
  await assert.rejects(Recording.open(handle, { ...options, keys: [keyOf(other)] }), { code: 'store_damaged', message: /does not hold.*trust/ });
  rmSync(other, { recursive: true });
  const lines = readFileSync(file, 'utf8').split('\n');
  await handle.truncate(0);
  await handle.write(lines.toSpliced(3, 1).join('\n'), 0);
  await assert.rejects(Recording.open(handle, options), { code: 'store_damaged', message: /does not hold.*completeness/ });
});

test('facts that are signed and make no sense are malformed', async () => {
  for (const meta of ['no json', '[]', '{"channel":"1"}', '{"channel":1,"opens":{"target":1}}']) {
    const file = await bundleOf({ kind: 'request', meta, content: [] });
    await using handle = await open(file);
    await assert.rejects(Recording.open(handle, options), MalformedError, meta);
  }
  for (const text of ['', 'x', '\n', '{"bundle":', `${'x'.repeat(100_000)}\n`]) {
    const file = join(data, 'nothing');
    await using handle = await open(file, 'w+');
    await handle.writeFile(text);
    await assert.rejects(Recording.open(handle, options), MalformedError, text.slice(0, 20));
  }
});
