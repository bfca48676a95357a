import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { before, describe, test } from 'node:test';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { openServer } from '../../cli/src/demo/sample-server.ts';
import { ocsfFaults } from '../../gateway/src/exports/testdata/ocsf-faults.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { suiteParts } from '../support/suite-parts.ts';
import { waitUntil } from '../support/wait-until.ts';

describe('export', () => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-exported-'));
  const heard: { readonly method: string; readonly url: string; readonly body: string }[] = [];
  let gateway: GatewayProcess;
  let receiver = '';
  let target = '';
  const records: string[] = [];
  const parts = suiteParts();
  before(async () => {
    const receiving = await openServer(async (request, response) => {
      heard.push({ method: request.method ?? '', url: request.url ?? '', body: await text(request) });
      response.end();
    });
    receiver = parts.use(receiving).url;
    target = parts.use(await openServer(async (_request, response) => void response.end('fine'))).url;
    gateway = parts.use(
      await GatewayProcess.start({
        config: `targets: { files: { url: "${target}" } }
principals: { "bot": { kind: agent, targets: [files] }, ann: { kind: human, groups: [admins] }, eve: { kind: human }, dan: { kind: human, groups: [desk] } }
roles: { desk: { role: analyst, groups: [desk], query: "target:files" } }\n`,
      }),
    );
    await send('/one');
    await send('/=cmd,"two"');
  });

  const send = async (path: string): Promise<void> => {
    const headers = { authorization: `Bearer ${await gateway.issueToken('bot')}` };
    const answer = await fetch(`http://127.0.0.1:${gateway.port('http')}/t/files${path}`, { headers });
    await answer.text();
    records.push(answer.headers.get('countersign-record') ?? assert.fail());
  };
  const file = (name: string): string => join(directory, name);
  const linesOf = (name: string): readonly Record<string, unknown>[] =>
    readFileSync(file(name), 'utf8')
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line));
  const run = (...words: readonly string[]): ReturnType<typeof gateway.cli> => gateway.cli(['export', ...words]);
  const requests = ['--query', 'kind:request target:files'];

  test('records are exported oldest first, as events of OCSF, as logs of OTLP, and as tables', async () => {
    for (const [format, name] of [
      ['ocsf', 'a.ndjson'],
      ['ocsf-attested', 'attested.ndjson'],
      ['otlp', 'a.otlp'],
      ['csv', 'a.csv'],
      ['parquet', 'a.parquet'],
    ] as const) {
      const { status, stderr } = run(...requests, '--format', format, '--out', file(name));
      assert.equal(status, 0, stderr);
    }
    const events = linesOf('a.ndjson');
    assert.deepEqual(events.flatMap(ocsfFaults), []);
    assert.deepEqual(
      events.map(({ metadata }) => Object.assign({ uid: '' }, metadata).uid),
      records,
    );
    const attested = linesOf('attested.ndjson');
    assert.deepEqual([attested.length, attested.flatMap(ocsfFaults)], [2, []]);
    assert.deepEqual(linesOf('a.otlp').length, 2);
    const rows = await parquetReadObjects({ file: await asyncBufferFromFile(file('a.parquet')) });
    assert.deepEqual(
      rows.map(({ record, principal, seq, verified, attributes }) => [
        record,
        principal,
        typeof seq,
        verified,
        Object.assign({}, attributes)['http.request.method'],
      ]),
      records.map((record) => [record, 'bot', 'bigint', true, 'GET']),
    );
    const [head, ...cells] = readFileSync(file('a.csv'), 'utf8').split('\n');
    assert.match(head ?? '', /^record,session,seq,time,principal,/);
    assert.ok(cells[0]?.startsWith(`${records[0]},`));
  });

  test('the end of an export of attested events is on record, and one that goes on has none', async () => {
    const ends = (more = ''): number => gateway.cli(['search', `action:gateway.complete_export ${more}`, '--json']).stdout.split('\n').length - 1;
    const withEvents = 'not countersign.export.events:0';
    const [earlier, earlierWithEvents] = [ends(), ends(withEvents)];
    const following = gateway.spawnCli(['export', ...requests, '--format', 'ocsf-attested', '--follow', '--out', file('follow.attested')]);
    await waitUntil(
      () => statSync(file('follow.attested'), { throwIfNoEntry: false }) !== undefined && readFileSync(file('follow.attested'), 'utf8').split('\n').length > 2,
    );
    following.kill();
    await once(following, 'exit');
    assert.equal(run('--query', 'target:nowhere', '--format', 'ocsf-attested').status, 0, 'an export of nothing has an end, too');
    await waitUntil(() => ends() > earlier);
    assert.deepEqual([ends(), ends(withEvents)], [earlier + 1, earlierWithEvents]);
  });

  test('a file is for its owner alone, and is left as it was by an export that is refused, which prints nothing', async () => {
    const environment = { COUNTERSIGN_TOKEN: await gateway.issueToken('eve') };
    for (const format of ['ocsf', 'csv', 'parquet']) {
      const kept = file(`kept.${format}`);
      assert.equal(run(...requests, '--format', format, '--out', kept).status, 0);
      assert.equal(statSync(kept).mode & 0o777, 0o600, format);
      writeFileSync(kept, 'of yesterday');
      const { status, stderr } = gateway.cli(['export', '--format', format, '--out', kept], { environment });
      assert.equal(status, 1, stderr);
      assert.equal(readFileSync(kept, 'utf8'), 'of yesterday', format);
    }
    const { status, stdout } = gateway.cli(['export', '--format', 'csv'], { environment });
    assert.deepEqual([status, stdout], [1, '']);
    assert.match(run('--query', 'target:nowhere', '--format', 'csv').stdout, /^record,session,[^\n]*\n$/);
  });

  test('a table that goes on has one head', async () => {
    const linesWith = (begin: string): number =>
      statSync(file('follow.csv'), { throwIfNoEntry: false }) === undefined
        ? 0
        : readFileSync(file('follow.csv'), 'utf8')
            .split('\n')
            .filter((line) => line.startsWith(begin)).length;
    for (const times of [1, 2]) {
      const following = gateway.spawnCli(['export', ...requests, '--format', 'csv', '--follow', '--out', file('follow.csv')]);
      await waitUntil(() => linesWith(`${records.at(-1)},`) === times);
      following.kill();
    }
    assert.equal(linesWith('record,'), 1);
  });

  test('it goes on where it ended, and follows what is recorded', async () => {
    const index = Number(records[1]?.split('/').at(-1));
    const following = gateway.spawnCli(['export', ...requests, '--format', 'ocsf', '--from', String(index), '--follow', '--out', file('follow.ndjson')]);
    const names = (): readonly unknown[] => linesOf('follow.ndjson').map(({ metadata }) => Object.assign({ uid: '' }, metadata).uid);
    await waitUntil(() => {
      try {
        return names().length === 1;
      } catch {
        return false;
      }
    });
    await send('/three');
    await waitUntil(() => names().length === 2);
    assert.deepEqual(names(), records.slice(1));
    following.kill();
  });

  test('a record that was just made is found by its name, with a role that sees only some', async () => {
    const token = await gateway.issueToken('dan');
    for (let i = 0; i < 3; i++) {
      await send('/new');
      const answer = await gateway.api(`/api/v1/records/${records.pop()}`, { token });
      assert.equal(answer.status, 200, await answer.text());
    }
  });

  test('it is sent to an address, and refused where it would leave the machine in the clear', async () => {
    for (const format of ['csv', 'otlp']) {
      const sending = gateway.spawnCli(['export', ...requests, '--format', format, '--out', `${receiver}/${format}`]);
      await once(sending, 'exit');
    }
    assert.deepEqual(
      heard.map(({ method, url }) => [method, url]),
      [['PUT', '/csv'], ...heard.slice(1).map(() => ['POST', '/otlp/v1/logs'])],
    );
    assert.ok(heard.length > records.length && records.every((record) => heard[0]?.body.includes(`\n${record},`)));
    const spawned = gateway.cli(['export', ...requests, '--format', 'ocsf', '--out', 'http://siem.example/x']);
    assert.match(spawned.stderr, /only over https/);
    const { port } = new URL(receiver);
    assert.match(
      run(...requests, '--format', 'csv', '--out', `https://127.0.0.1:${port}`).stderr,
      new RegExp(`^countersign: https://127\\.0\\.0\\.1:${port} cannot be reached: \\S`),
    );
    assert.match(run('--format', 'parquet').stderr, /give --out FILE/);
    assert.match(run('--format', 'ocsf', '--follow', '--out', receiver).stderr, /by a sink/);
  });

  test('what an export gives depends on the role, and it is on record', async () => {
    const eve = await gateway.issueToken('eve');
    assert.equal((await gateway.api('/api/v1/export?query=kind:request', { token: eve })).status, 403);
    const found = await (await gateway.api(`/api/v1/search?query=${encodeURIComponent('kind:access countersign.access.what:export')}`)).text();
    assert.ok(found.split('\n').length > 4);
    const facts = await (await gateway.api('/api/v1/export?query=target:files&facts')).text();
    assert.ok(facts.includes('"kind":"request"') && !facts.includes('GET /one'));
  });
});
