import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { simpleQuery } from '../../gateway/src/protocols/postgres/compose.ts';
import { openRecorder } from '../../gateway/src/recording/testdata/open-recorder.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { suiteParts } from '../support/suite-parts.ts';

const texts = [
  '\u001B]0;owned\u0007\u001B[2J\u009B31m\u202Egnp.exe\r overwritten\u2028a line\uFEFF',
  '=HYPERLINK("https://evil.example","a")',
  '+1+1',
  '-2',
  '@SUM(A1)',
  '\uFF1D1+1',
  '<script>alert(1)</script><img src=x onerror=alert(1)>',
  'two\nreal lines, "quoted", and a comma',
];

/** Records a session for each text, in which it is the statement, the reason of a denial and a class. */
async function record(data: string): Promise<void> {
  const { recorder, keys } = await openRecorder(data);
  for (const text of texts) {
    const track = recorder.openSession();
    const opens = { principal: 'ann', groups: [], clientAddress: '127.0.0.1', target: 'shop', protocol: 'postgres' };
    recorder.append(track, { kind: 'decision', meta: JSON.stringify({ channel: 1, action: 'gateway.authenticate', verdict: 'allow', opens }), content: [] });
    const attributes = {
      'countersign.statements': ['select'],
      'countersign.effects': ['destroy'],
      'countersign.tables': [text],
      'countersign.classes': [text],
    };
    const meta = { channel: 1, action: 'postgres.query', verdict: 'deny', policies: [text], reason: text, attributes };
    recorder.append(track, { kind: 'request', meta: JSON.stringify(meta), content: [simpleQuery(text)] });
    const answer = { channel: 1, request: 2, attributes: { 'countersign.classes': [text] } };
    recorder.append(track, { kind: 'response', meta: JSON.stringify(answer), content: [Buffer.from(text)] });
    recorder.closeSession(track, 'client');
  }
  await recorder[Symbol.asyncDispose]();
  keys[Symbol.dispose]();
}

void describe('what was recorded is shown as text, whatever it is', () => {
  const parts = suiteParts();
  const directory = mkdtempSync(join(tmpdir(), 'countersign-hostile-'));
  after(() => rmSync(directory, { recursive: true, force: true }));
  let gateway: GatewayProcess;

  before(async () => {
    const data = join(directory, 'data');
    mkdirSync(data, { mode: 0o700 });
    await record(data);
    gateway = parts.use(await GatewayProcess.start({ config: 'targets: {}\nprincipals: {}\n', data }));
    await gateway.whenIndexed();
  });

  function printed(...words: readonly string[]): string {
    const { status, stdout, stderr } = gateway.command(words);
    assert.deepEqual([status, stderr], [0, ''], words.join(' '));
    assert.doesNotMatch(stdout.replaceAll(/[\n\t]/g, ''), /[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}\uFEFF]/u, words.join(' '));
    return stdout;
  }

  test('C30: on a terminal, each hit, session and review has its own lines and no control of its own', () => {
    const sessions = texts.length;
    const linesOf = (text: string): number => text.trimEnd().split('\n').length;
    assert.equal(linesOf(printed('search', 'kind:statement')), sessions + 1);
    assert.equal(linesOf(printed('search', 'kind:statement', '--count-by', 'table')), sessions + 1);
    assert.equal(linesOf(printed('search', 'kind:statement', '--sessions')), sessions + 1);
    assert.equal(linesOf(printed('session', 'list')), sessions);
    const reviews = printed('review', 'list', '--threshold', '0');
    assert.equal(reviews.split('\n').filter((line) => /^[0-9a-f]{32} /.test(line)).length, sessions);
    for (const [name, query] of texts.map((text, i) => [`s${i}`, `"${text.replaceAll(/["\\]/g, '\\$&')} x"`] as const)) {
      assert.equal(gateway.command(['search', 'save', name, query]).status, 0);
    }
    assert.equal(linesOf(printed('search', 'list')), sessions);
    for (const { session } of gateway.rows<{ readonly session: string }>(['session', 'list'])) {
      printed('session', 'show', session);
      assert.equal(gateway.command(['review', 'sign', session, '--note', texts[0] ?? '']).status, 0);
    }
    assert.equal(printed('review', 'list', '--threshold', '0', '--all').split('reviewed by operator').length, sessions + 1);
  });

  test('C30: JSON is one line a row, with controls escaped, and says what was recorded', () => {
    for (const words of [
      ['search', 'kind:statement'],
      ['session', 'list'],
      ['review', 'list', '--all', '--threshold', '0'],
      ['search', 'list'],
    ]) {
      const rows = printed(...words, '--json')
        .trimEnd()
        .split('\n');
      assert.equal(rows.length, texts.length);
      assert.ok(JSON.stringify(rows.map((row): unknown => JSON.parse(row))).includes('<script>'));
    }
  });

  test('C30: no cell of a table for spreadsheets is a formula', () => {
    for (const words of [
      ['search', 'kind:statement', '--csv'],
      ['search', 'kind:statement', '--count-by', 'table', '--csv'],
    ]) {
      const [head = [], ...rows] = cellsOf(printed(...words));
      assert.equal(rows.length, texts.length);
      assert.ok(rows.every((cells) => cells.length === head.length));
      assert.deepEqual(
        rows.flat().filter((cell) => /^[=+\-@\t\r\n\uFF1D]/.test(cell)),
        [],
      );
    }
  });

  test('C30: a browser takes no answer of the API for a page, and shows none within another', async () => {
    for (const path of [
      '/api/v1/search?query=kind:statement',
      '/api/v1/sessions',
      '/api/v1/reviews?threshold=0',
      '/api/v1/saved-searches',
      '/api/v1/search?query=tabel:x',
    ]) {
      const { headers } = await gateway.api(path);
      assert.match(headers.get('content-type') ?? '', /^application\/(?:json|x-ndjson|problem\+json)/);
      assert.equal(headers.get('x-content-type-options'), 'nosniff');
      assert.match(headers.get('content-security-policy') ?? '', /frame-ancestors 'none'/);
    }
  });
});

/** Reads CSV (RFC 4180). */
function cellsOf(csv: string): readonly (readonly string[])[] {
  const rows: string[][] = [[]];
  for (const [, quoted, bare, end] of csv.matchAll(/(?:"((?:[^"]|"")*)"|([^",\n]*))(,|\n)/g)) {
    rows.at(-1)?.push(quoted?.replaceAll('""', '"') ?? bare ?? '');
    if (end === '\n') {
      rows.push([]);
    }
  }
  return rows.slice(0, -1);
}
