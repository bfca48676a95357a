import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { parseCertificates, verifyFile, verifyStore, type StoreReport } from '@countersign/ledger';
import { encodeUtf8, parseNote } from '@countersign/ledger/format';
import { openStoreFiles } from '../../../cli/src/store-files.ts';
import { importBundled } from '../../../tests/support/main-file.ts';
import { TimestampAuthority, withTime } from '../../../tests/support/timestamp-authority.ts';
import { waitUntil } from '../../../tests/support/wait-until.ts';
import type { Gateway } from '../gateway.ts';
import { Timestamping, type TimestampNews } from './timestamping.ts';

/** A store of a gateway that asks an authority of timestamps. */
class Stamped {
  readonly data: string;
  readonly #directory: string;
  readonly #authority: TimestampAuthority;

  constructor(t: TestContext, authority: TimestampAuthority) {
    this.#directory = mkdtempSync(join(tmpdir(), 'countersign-stamped-'));
    this.#authority = authority;
    this.data = join(this.#directory, 'store');
    t.after(() => {
      rmSync(this.#directory, { recursive: true, force: true });
    });
  }

  async start(every = '1h', more = ''): Promise<Gateway> {
    const configFile = join(this.#directory, 'countersign.yaml');
    const settings = `rfc3161: ${this.#authority.url}, every: ${every}, authorities: ${this.#authority.file('ca.pem')}`;
    writeFileSync(configFile, `data: store\nlisten: { http: 127.0.0.1:0 }\ntimestamps: { ${settings} }\n${more}`);
    const { Gateway: Bundled } = await importBundled('gateway', async () => import('../gateway.ts'));
    return Bundled.open({ logLevel: 'silent', configFile });
  }

  /** The sizes of the checkpoints that are stamped. */
  get sizes(): readonly number[] {
    try {
      return readdirSync(join(this.data, 'log', 'timestamps'))
        .map(Number)
        .toSorted((a, b) => a - b);
    } catch {
      return [];
    }
  }

  /** The newest stamped note. */
  get newest(): string {
    return readFileSync(this.fileOf(this.sizes.at(-1)), 'utf8');
  }

  fileOf(size: number | undefined): string {
    return join(this.data, 'log', 'timestamps', String(size));
  }

  async verify(root = this.#authority.root, maxAgeMs = 60_000): Promise<StoreReport> {
    return verifyStore(openStoreFiles(this.data), { timestamps: parseCertificates(root), maxAgeMs });
  }

  async ask(gateway: Gateway, path: string, body?: object): Promise<Response> {
    const operator = readFileSync(join(this.data, 'admin.token'), 'utf8').trim();
    return fetch(`http://${gateway.addresses['http']}${path}`, {
      headers: { authorization: `Bearer ${operator}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    });
  }
}

/** The token in a stamped note, and what it is over. */
function tokenOf(note: string): { readonly token: Buffer; readonly text: Uint8Array } {
  const { text, signatures } = parseNote(encodeUtf8(note));
  return { token: Buffer.from(signatures.at(-1)?.signature ?? []), text: encodeUtf8(text) };
}

void test('a published checkpoint is stamped, OpenSSL agrees, and a verifier with the certificate of the authority finds what was changed', async (t) => {
  await using authority = await TimestampAuthority.open();
  await using other = await TimestampAuthority.open();
  const stamped = new Stamped(t, authority);
  const gateway = await stamped.start();
  await waitUntil(() => stamped.sizes.length === 1);
  const served = await (await stamped.ask(gateway, `/log/timestamps/${stamped.sizes[0]}`)).text();
  assert.equal(served, stamped.newest);
  const gatewayId = served.slice('countersign/'.length).split('\n')[0];
  const receipt = await (await stamped.ask(gateway, `/api/v1/receipts/${gatewayId}/0?stamped`)).bytes();
  const checked = await verifyFile(receipt, {
    keys: [readFileSync(join(stamped.data, 'log', 'key'), 'utf8').trim()],
    timestamps: parseCertificates(authority.root),
  });
  assert.deepEqual([checked.verdict, checked.timestamp?.size], ['holds', stamped.sizes[0]], JSON.stringify(checked.findings));
  const planted = stamped.fileOf((stamped.sizes[0] ?? 0) + 1000);
  writeFileSync(planted, Buffer.alloc(2 ** 21, 'x'));
  for (const [path, status] of [
    [`/log/timestamps/${(stamped.sizes[0] ?? 0) + 1000}`, 404],
    [`/api/v1/receipts/${gatewayId}/${(stamped.sizes[0] ?? 0) + 500}?stamped`, 500],
  ] as const) {
    assert.equal((await stamped.ask(gateway, path)).status, status, `${path}: a file that is too long for a note`);
  }
  rmSync(planted);
  const ahead = await stamped.ask(gateway, `/api/v1/receipts/${gatewayId}/${stamped.sizes[0]}?stamped`);
  assert.equal(ahead.status, 404, 'a record that no stamped checkpoint covers');
  assert.match(await (await stamped.ask(gateway, '/metrics')).text(), /countersign_timestamps_failing 0\n/);
  await gateway.stop();
  const { token, text } = tokenOf(served);
  authority.verify(text, token);
  const again = await stamped.start();
  await again.stop();
  assert.equal(stamped.sizes.length, 1, 'a start within the pause asks for none');
  const report = await stamped.verify();
  assert.equal(report.verdict, 'holds', JSON.stringify(report.findings));
  assert.deepEqual(
    [report.timestamps?.checkpoints, report.timestamps?.newest?.size, report.timestamps?.newest?.authority],
    [1, stamped.sizes[0], 'Test timestamps'],
  );
  assert.equal((await stamped.verify(other.root)).verdict, 'trust', 'by another authority');
  assert.equal((await stamped.verify(authority.root, 1)).verdict, 'trust', 'too old');
  const file = stamped.fileOf(stamped.sizes[0]);
  // A token over other bytes, in the place of the right one.
  const swapped = tokenOf(served).token;
  const line = served.split('\n').at(-2) ?? '';
  const prefix = Buffer.from(line.split(' ')[2] ?? '', 'base64').subarray(0, 4);
  const lineWith = (bytes: Buffer): string => `${line.split(' ').slice(0, 2).join(' ')} ${Buffer.concat([prefix, bytes]).toString('base64')}`;
  writeFileSync(file, served.replace(line, lineWith(authority.stamp(encodeUtf8('other')))));
  assert.equal((await stamped.verify()).verdict, 'integrity', 'swapped');
  writeFileSync(file, served.replace(line, lineWith(authority.signAgain(swapped, [], (info) => withTime(info, Date.now() + 36 * 3_600_000)))));
  const early = await stamped.verify();
  assert.deepEqual([early.verdict, early.findings[0]?.what.includes('a time that has not come')], ['trust', true], JSON.stringify(early.findings));
  swapped.writeUInt8(swapped.readUInt8(swapped.length - 5) ^ 1, swapped.length - 5);
  writeFileSync(file, served.replace(line, lineWith(swapped)));
  assert.equal((await stamped.verify()).verdict, 'integrity', 'forged');
  rmSync(file);
  assert.equal((await stamped.verify()).verdict, 'trust', 'removed');
});

void test('a bundle, and evidence, has the timestamp of the newest stamped checkpoint, once that is over all of the session', async (t) => {
  await using authority = await TimestampAuthority.open();
  const stamped = new Stamped(t, authority);
  await using gateway = await stamped.start('1s', 'targets: { web: { url: "http://127.0.0.1:1" } }\nprincipals: { agent: { kind: agent, targets: [web] } }\n');
  const { session = '' }: { session?: string } = Object.assign(
    {},
    await (await stamped.ask(gateway, '/api/v1/runs', { principal: 'agent', targets: ['web'] })).json(),
  );
  await stamped.ask(gateway, `/api/v1/runs/${session}/end`, { exitCode: 0 });
  const path = `/api/v1/sessions/${session}/bundle?stamped`;
  await waitUntil(async () => (await stamped.ask(gateway, path)).ok && (await (await stamped.ask(gateway, path)).text()).includes('"checkpoint"'));
  const bundle = await (await stamped.ask(gateway, path)).bytes();
  const report = await verifyFile(bundle, { timestamps: parseCertificates(authority.root) });
  assert.deepEqual([report.verdict, report.extent, report.timestamp?.authority], ['holds', 'closed', 'Test timestamps'], JSON.stringify(report));
  const evidence = await (await stamped.ask(gateway, `/api/v1/evidence?query=session:${session}&stamped`)).bytes();
  const whole = await verifyFile(evidence, { timestamps: parseCertificates(authority.root) });
  assert.deepEqual([whole.verdict, whole.sessions, whole.timestamp?.authority], ['holds', 1, 'Test timestamps'], JSON.stringify(whole));
});

void test('while the authority gives none nothing stops; that is told once, and the newest checkpoint is stamped when it is back', async (t) => {
  await using authority = await TimestampAuthority.open();
  const data = mkdtempSync(join(tmpdir(), 'countersign-stamping-'));
  t.after(() => {
    rmSync(data, { recursive: true });
  });
  const time = { ms: 1_000_000 };
  const news: TimestampNews[] = [];
  const settings = { url: authority.url, caFile: null, trusted: parseCertificates(authority.root), everyMs: 3_600_000, lostMs: 60_000 };
  await using timestamping = new Timestamping({ data, settings, now: () => time.ms, onNews: (each) => news.push(each), onTrouble: assert.ifError });
  const published = { size: 3, note: 'log\n3\n\n\u2014 log AAAAAAAA\n' };
  let refused = 0;
  authority.answer = (_request, response) => {
    refused += 1;
    response.writeHead(500).end();
  };
  timestamping.begin(() => published);
  await waitUntil(() => timestamping.status.failure === 'it answered 500');
  time.ms += 61_000;
  await waitUntil(() => news.length === 1);
  published.size = 5;
  // One request for the checkpoint of before may be under way.
  const before = refused;
  await waitUntil(() => refused >= before + 2);
  authority.answer = null;
  await waitUntil(() => news.length === 2);
  assert.deepEqual(news, [
    { what: 'timestamps lost', sinceMs: 1_000_000, why: 'it answered 500' },
    { what: 'timestamps back', size: 5 },
  ]);
  published.size = 8;
  assert.deepEqual([timestamping.status.stamped?.size, timestamping.status.failure], [5, null], 'the pause holds');
  timestamping.hurry();
  await waitUntil(() => timestamping.status.stamped?.size === 8);
});

void test('a file over more records than the log has stops no timestamps', async (t) => {
  await using authority = await TimestampAuthority.open();
  const data = mkdtempSync(join(tmpdir(), 'countersign-stamping-'));
  t.after(() => {
    rmSync(data, { recursive: true });
  });
  mkdirSync(join(data, 'log', 'timestamps'), { recursive: true });
  for (const name of ['9007199254740991', '9999999999999999', '007', '-1', '1e3']) {
    writeFileSync(join(data, 'log', 'timestamps', name), '');
  }
  const settings = { url: authority.url, caFile: null, trusted: parseCertificates(authority.root), everyMs: 3_600_000, lostMs: 60_000 };
  await using timestamping = new Timestamping({ data, settings, now: Date.now, onNews: assert.ifError, onTrouble: assert.ifError });
  timestamping.begin(() => ({ size: 3, note: 'log\n3\n\n\u2014 log AAAAAAAA\n' }));
  await waitUntil(() => timestamping.status.stamped?.size === 3);
});
