import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { before, describe, test } from 'node:test';
import { openServer } from '../../cli/src/demo/sample-server.ts';
import { ocsfFaults } from '../../gateway/src/exports/testdata/ocsf-faults.ts';
import { makeCertificate } from '../../gateway/src/wire/testdata/certificates.ts';
import { portOf } from '../../gateway/src/wire/testdata/sockets.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { suiteParts } from '../support/suite-parts.ts';
import { openSyslogServer, type SyslogServer } from '../support/syslog-server.ts';
import { waitUntil } from '../support/wait-until.ts';

interface OcsfLine {
  readonly class_uid: number;
  readonly metadata: { readonly uid: string; readonly sequence: number };
  readonly unmapped: Readonly<Record<string, unknown>>;
}

/** A collector that takes logs of OTLP in JSON, and refuses what has another form. */
class Collector implements AsyncDisposable {
  readonly records: string[] = [];
  readonly faults: string[] = [];
  status = 200;
  /** It refuses requests with this record for ever. */
  poison = '';
  readonly #server: Server;

  constructor() {
    this.#server = createServer({ keepAliveTimeout: 120_000 }, (request, response) => {
      void this.#answer(request, response);
    }).listen(0, '127.0.0.1');
  }

  async url(): Promise<string> {
    if (!this.#server.listening) {
      await once(this.#server, 'listening');
    }
    return `http://127.0.0.1:${portOf(this.#server)}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    return Promise.resolve();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const status = this.#take(request.url ?? '', String(request.headers['content-type']), await text(request));
    response.writeHead(status, { 'content-type': 'application/json' }).end('{}');
  }

  #take(path: string, mediaType: string, body: string): number {
    if (this.status !== 200) {
      return this.status;
    }
    const { resourceLogs } = JSON.parse(body);
    const logs = resourceLogs[0].scopeLogs[0].logRecords;
    const attributesOf = (log: { readonly attributes: readonly { readonly key: string; readonly value: { readonly stringValue?: string } }[] }) =>
      new Map(log.attributes.map(({ key, value }) => [key, value.stringValue]));
    const names = logs.map((log: Parameters<typeof attributesOf>[0]) => String(attributesOf(log).get('countersign.record')));
    if (this.poison !== '' && names.includes(this.poison)) {
      return 400;
    }
    for (const log of logs) {
      const isRight =
        /^\d{19}$/.test(log.timeUnixNano) && Number.isInteger(log.severityNumber) && (log.traceId === undefined || /^[0-9a-f]{32}$/.test(log.traceId));
      if (!isRight || path !== '/v1/logs' || mediaType !== 'application/json') {
        this.faults.push(JSON.stringify(log));
      }
    }
    this.records.push(...names);
    return 200;
  }
}

describe('sinks that follow the record', () => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-sinks-'));
  const file = join(directory, 'ocsf.ndjson');
  const collector = new Collector();
  let syslog: SyslogServer;
  let gateway: GatewayProcess;
  const parts = suiteParts();
  before(async () => {
    const certificate = makeCertificate();
    syslog = parts.use(await openSyslogServer(certificate));
    parts.use(collector);
    const target = parts.use(await openServer(async (_request, response) => void response.end('fine'))).url;
    gateway = parts.use(
      await GatewayProcess.start({
        config: `targets: { files: { url: "${target}" } }
principals: { bot: { kind: agent, targets: [files] } }
sinks:
  siem: { ocsf: { file: "${file}" } }
  remote: { syslog: "tls://localhost:${syslog.port}", caFile: "${certificate.certificateFile}" }
  traces: { otlp: "${await collector.url()}" }
`,
      }),
    );
  });

  const linesOf = (path: string): readonly OcsfLine[] =>
    !existsSync(path)
      ? []
      : readFileSync(path, 'utf8')
          .split('\n')
          .slice(0, -1)
          .map((line): OcsfLine => JSON.parse(line));
  const namesIn = (lines: readonly string[]): readonly string[] => lines.map((line) => JSON.parse(line).metadata.uid);
  const send = async (path: string): Promise<string> => {
    const answer = await fetch(`http://127.0.0.1:${gateway.port('http')}/t/files${path}`, {
      headers: { authorization: `Bearer ${await gateway.issueToken('bot')}` },
    });
    await answer.text();
    return answer.headers.get('countersign-record') ?? assert.fail();
  };
  const arrives = async (record: string): Promise<void> => {
    await waitUntil(() => linesOf(file).some(({ metadata }) => metadata.uid === record));
    await waitUntil(() => namesIn(syslog.texts).includes(record));
    await waitUntil(() => collector.records.includes(record));
  };

  test('each gets all records in order, as events that the schema of OCSF allows, and without content', async () => {
    await arrives(await send('/path?word=private-value'));
    const lines = linesOf(file);
    assert.deepEqual(
      lines.flatMap((line) => ocsfFaults({ ...line })),
      [],
    );
    const numbers = lines.map(({ metadata }) => metadata.sequence);
    assert.deepEqual(
      numbers,
      Array.from(numbers, (_, i) => (numbers[0] ?? 0) + i),
      'none is left out, and none comes twice',
    );
    assert.deepEqual([syslog.faults, collector.faults], [[], []]);
    assert.ok(![readFileSync(file, 'utf8'), ...syslog.texts].join('\n').includes('private-value'), 'no content');
    assert.ok(lines.some(({ class_uid }) => class_uid === 6003));
  });

  test('C28: what a receiver does not take waits in the journal, also over a kill of the gateway, and is sent in order when it does', async () => {
    await syslog.cut();
    collector.status = 503;
    const record = await send('/while-away');
    await waitUntil(async () => (await (await gateway.api('/readyz')).text()).includes('traces ('));
    await waitUntil(async () => /countersign_sink_behind_records\{sink="remote"\} [1-9]/.test(await (await gateway.api('/metrics')).text()));
    await gateway.signal('SIGKILL');
    renameSync(file, `${file}.1`);
    await gateway.start();
    collector.status = 200;
    await syslog.open();
    const last = await send('/back');
    await waitUntil(() => namesIn(syslog.texts).includes(last) && collector.records.includes(last));
    assert.ok(namesIn(syslog.texts).includes(record) && collector.records.includes(record));
    await waitUntil(() => linesOf(file).some(({ metadata }) => metadata.uid === last));
    // The records that were sent shortly before the end may come again, and none is lacking.
    const written = new Set([...linesOf(`${file}.1`), ...linesOf(file)].map(({ metadata }) => metadata.sequence));
    const received = new Set(collector.records.map((name) => Number(name.split('/').at(-1))));
    const first = Math.min(...written);
    for (let number = first; number <= Math.max(...written); number++) {
      assert.ok(written.has(number), `the file lacks ${number}`);
    }
    for (let number = Math.min(...received); number <= Math.max(...received); number++) {
      assert.ok(received.has(number), `the collector lacks ${number}`);
    }
    assert.deepEqual(syslog.faults, []);
  });

  test('a record that a receiver refuses for ever is named in an alert, and those after it are sent', async () => {
    const record = await send('/poison');
    await arrives(record);
    const numberOf = (name: string): number => Number(name.split('/').at(-1));
    const log = record.slice(0, record.lastIndexOf('/'));
    collector.poison = `${log}/${Math.max(...collector.records.map(numberOf)) + 2}`;
    await send('/one');
    await arrives(await send('/two'));
    await waitUntil(async () => {
      const answer = await gateway.api(`/api/v1/search?query=${encodeURIComponent('action:gateway.drop_feed')}`);
      return (await answer.text()).includes(collector.poison);
    });
    assert.ok(!collector.records.includes(collector.poison));
    await waitUntil(async () => (await (await gateway.api('/api/v1/alerts')).text()).includes('countersign.sink=traces'));
  });

  test('C28: without the index, or without the file that says how far they are, sinks go on, and what they lack is on record', async () => {
    const numbers = (): ReadonlySet<number> => new Set(linesOf(file).map(({ metadata }) => metadata.sequence));
    const from = Math.max(...numbers());
    const alerts = async (): Promise<readonly unknown[]> => {
      const listed: readonly { readonly rule: string; readonly by: readonly string[] }[] = JSON.parse(await (await gateway.api('/api/v1/alerts?all')).text());
      return listed.map(({ rule, by }) => `${rule} ${by.join()}`);
    };
    await gateway.signal('SIGKILL');
    for (const name of readdirSync(gateway.data).filter((each) => each.startsWith('records.db'))) {
      rmSync(join(gateway.data, name));
    }
    await gateway.start();
    await arrives(await send('/without-index'));
    const last = Math.max(...numbers());
    for (let number = from; number <= last; number++) {
      assert.ok(numbers().has(number), `the file lacks ${number}`);
    }
    const raised = await alerts();
    assert.deepEqual(raised, [...new Set(raised)], 'nothing is raised again');
    await gateway.signal('SIGTERM');
    rmSync(join(gateway.data, 'sinks'));
    await gateway.start();
    await arrives(await send('/without-file'));
    const began = await (await gateway.api(`/api/v1/search?query=${encodeURIComponent('action:gateway.begin_feed')}`)).text();
    assert.equal(began.match(/"action":"gateway\.begin_feed"/g)?.length, 6, 'each of three began twice');
  });

  test('what was recorded verifies', () => {
    assert.equal(gateway.verify().status, 0);
  });
});
