import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { parseVerifierKey, parseWitnessPolicy, verifyStore, type StoreReport } from '@countersign/ledger';
import { formatAddress } from '../domain/address.ts';
import { openStoreFiles } from '../../../cli/src/store-files.ts';
import { waitUntil } from '../../../tests/support/wait-until.ts';
import { importBundled } from '../../../tests/support/main-file.ts';
import type { Gateway } from '../gateway.ts';
import { Witness } from './witness.ts';
import { WitnessServer } from './witness-server.ts';

const dayMs = 86_400_000;

/** A store of a gateway with a key, and witnesses of it. */
class Witnessed implements AsyncDisposable {
  readonly directory: string;
  readonly data: string;
  readonly #parts = new AsyncDisposableStack();
  #lines = '';

  constructor(t: TestContext) {
    this.directory = mkdtempSync(join(tmpdir(), 'countersign-cosigning-'));
    this.data = join(this.directory, 'store');
    t.after(() => {
      rmSync(this.directory, { recursive: true, force: true });
    });
  }

  /** Starts the gateway, with a policy if there are witnesses. */
  async start(quorum: string | null, acceptRollback = false): Promise<Gateway> {
    const configFile = join(this.directory, 'countersign.yaml');
    writeFileSync(configFile, `data: store\nlisten: { http: 127.0.0.1:0 }\n${quorum === null ? '' : 'witnesses: { policy: ./policy.txt }\n'}`);
    writeFileSync(join(this.directory, 'policy.txt'), this.policy(quorum ?? 'none'));
    const { Gateway: Bundled } = await importBundled('gateway', async () => import('../gateway.ts'));
    return Bundled.open({ logLevel: 'silent', configFile, acceptRollback });
  }

  policy(quorum: string): string {
    const group = this.#lines.includes('witness four') ? 'group pair 2 one two three four\n' : '';
    return `${this.#lines}${group}quorum ${quorum}\n`;
  }

  /** Serves a witness, and writes it into the policy. */
  async addWitness(name: string): Promise<void> {
    const log = parseVerifierKey(readFileSync(join(this.data, 'log', 'key'), 'utf8').trim());
    const witness = this.#parts.use(await Witness.open({ data: join(this.directory, name), name: `${name}.example`, logs: [log], now: Date.now }));
    const server = this.#parts.use(await WitnessServer.open({ host: '127.0.0.1', port: 0, witness, onTrouble: () => undefined }));
    this.#lines += `witness ${name} ${witness.vkey} ${server.url}\n`;
  }

  /** Serves something else in the place of a witness whose key is in the policy. */
  async addLiar(name: string, answer: RequestListener): Promise<void> {
    const witness = await Witness.open({ data: join(this.directory, name), name: `${name}.example`, logs: [], now: Date.now });
    await witness[Symbol.asyncDispose]();
    const server = createServer(answer);
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    this.#parts.defer(() => {
      server.close();
      server.closeAllConnections();
    });
    this.#lines += `witness ${name} ${witness.vkey} http://${formatAddress(server.address())}\n`;
  }

  async rotate(gateway: Gateway): Promise<void> {
    const operator = readFileSync(join(this.data, 'admin.token'), 'utf8').trim();
    const headers = { authorization: `Bearer ${operator}`, 'content-type': 'application/json' };
    const url = `http://${gateway.addresses['http']}/api/v1/keys/rotate-signing`;
    const answer = await fetch(url, { method: 'POST', headers, body: '{"reason":"a test"}' });
    assert.equal(answer.status, 200, await answer.text());
  }

  async verify(quorum: string): Promise<StoreReport> {
    return verifyStore(openStoreFiles(this.data), { witnesses: parseWitnessPolicy(Buffer.from(this.policy(quorum))), maxAgeMs: 60_000 });
  }

  async ask(gateway: Gateway, path: string): Promise<Response> {
    const operator = readFileSync(join(this.data, 'admin.token'), 'utf8').trim();
    return fetch(`http://${gateway.addresses['http']}${path}`, { headers: { authorization: `Bearer ${operator}` } });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.disposeAsync();
  }
}

void test('a quorum of witnesses cosigns the log to its last record, whoever else lies or does not answer', async (t) => {
  const firstDay = Math.floor(Date.now() / dayMs);
  await using witnessed = new Witnessed(t);
  await (await witnessed.start(null)).stop();
  await witnessed.addWitness('one');
  await witnessed.addWitness('two');
  // It answers with the cosignature of another key, and then with what is none.
  await witnessed.addLiar('three', (_request, response) => {
    response.end(`\u2014 three.example ${Buffer.alloc(76, 1).toString('base64')}\n`);
  });
  // It never answers.
  await witnessed.addLiar('four', () => undefined);
  const gateway = await witnessed.start('pair');
  const status = async (): Promise<Record<string, unknown>> => Object.assign({}, await (await witnessed.ask(gateway, '/api/v1/witnesses')).json());
  await waitUntil(async () => (await status())['cosigned'] !== null);
  const served = await (await witnessed.ask(gateway, '/log/cosigned')).text();
  assert.match(served, /^countersign\/[0-9a-f]{16}\n(?:.|\n)*\n\u2014 one\.example \S+\n\u2014 two\.example \S+\n$/);
  // The quorum is there before each witness has answered.
  const states = async (): Promise<readonly (readonly unknown[])[]> => {
    const { witnesses } = await status();
    return (Array.isArray(witnesses) ? witnesses : []).slice(0, 3).map(({ witness, state, why }) => [witness, state, why]);
  };
  await waitUntil(async () => (await states()).every(([, state]) => state !== 'asked'));
  assert.deepEqual(await states(), [
    ['one', 'cosigning', ''],
    ['two', 'cosigning', ''],
    ['three', 'failing', 'its answer has no cosignature by its key'],
  ]);
  assert.match(await (await witnessed.ask(gateway, '/metrics')).text(), /countersign_witness_cosigning\{witness="three"\} 0\n/);
  await gateway.stop();
  const report = await witnessed.verify('pair');
  assert.equal(report.verdict, 'holds', JSON.stringify(report.findings));
  assert.equal(report.cosigned?.newest?.size, report.counts.leaves, 'the last record is cosigned too');
  const days = Math.floor(Date.now() / dayMs) - firstDay + 1;
  assert.ok(report.cosigned.checkpoints > 1 && report.cosigned.checkpoints <= days + 1, 'the newest, and the first of each day');
  assert.equal((await witnessed.verify('three')).verdict, 'trust');
});

void test('a store that was put back as a whole is refused at its start, or its loss is declared once', async (t) => {
  await using witnessed = new Witnessed(t);
  await (await witnessed.start(null)).stop();
  await witnessed.addWitness('one');
  await (await witnessed.start('one')).stop();
  const { counts: common } = await witnessed.verify('one');
  const copy = join(witnessed.directory, 'copy');
  cpSync(witnessed.data, copy, { recursive: true });
  await (await witnessed.start('one')).stop();
  const { counts } = await witnessed.verify('one');
  rmSync(witnessed.data, { recursive: true });
  cpSync(copy, witnessed.data, { recursive: true });
  await assert.rejects(witnessed.start('one'), { code: 'store_rolled_back', message: /one: it has cosigned \d+ records of this log, and there are \d+/ });
  const { losses } = await verifyStore(openStoreFiles(witnessed.data));
  assert.deepEqual(losses, [], 'a start that is refused changes nothing');
  await (await witnessed.start('one', true)).stop();
  await (await witnessed.start('one')).stop();
  const after = await verifyStore(openStoreFiles(witnessed.data));
  assert.equal(after.verdict, 'holds', JSON.stringify(after.findings));
  assert.deepEqual(
    after.losses.map(({ records }) => records),
    [counts.leaves],
  );
  const { cosigned } = await witnessed.verify('one');
  assert.ok((cosigned?.newest?.size ?? 0) <= common.leaves, 'the witness cosigns nothing of the second history');
});

void test('a witness that knows the first key alone goes on after rotations, also after one that it has missed', async (t) => {
  await using witnessed = new Witnessed(t);
  await (await witnessed.start(null)).stop();
  const first = readFileSync(join(witnessed.data, 'log', 'key'), 'utf8').trim();
  await witnessed.addWitness('one');
  const gateway = await witnessed.start('one');
  await witnessed.rotate(gateway);
  await gateway.stop();
  const alone = await witnessed.start(null);
  await witnessed.rotate(alone);
  await witnessed.rotate(alone);
  await alone.stop();
  await (await witnessed.start('one')).stop();
  const policy = `log ${first}\n${witnessed.policy('one')}`;
  const report = await verifyStore(openStoreFiles(witnessed.data), { keys: [first], witnesses: parseWitnessPolicy(Buffer.from(policy)), maxAgeMs: 600_000 });
  assert.equal(report.verdict, 'holds', JSON.stringify(report.findings));
  assert.equal(report.cosigned?.newest?.size, report.counts.leaves, 'the last record is cosigned, under the fourth key');
});
