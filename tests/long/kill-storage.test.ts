import assert from 'node:assert/strict';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { verifyStore, type StoreReport } from '@countersign/ledger';
import { openServer, type SampleServer } from '../../cli/src/demo/sample-server.ts';
import { openStoreFiles } from '../../cli/src/store-files.ts';
import type { ShownStorage } from '../../gateway/src/api/endpoints/show-storage.ts';
import { s3Environment, SmallS3Server } from '../../gateway/src/archive/testdata/s3-server.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { killAt, killCommandAt, type KillPoint } from '../support/kill-point.ts';
import { requireStrace } from '../support/strace.ts';
import { waitUntil } from '../support/wait-until.ts';

/** A place in the upload of a segment: when the server has taken an object, and its sender does not know it; or as a system call begins. */
type Point = { readonly name: string; readonly taken: RegExp } | (Omit<KillPoint, 'file'> & { readonly file: (data: string) => string });

const ofUpload: readonly Point[] = [
  { name: 'the segment is taken', taken: /\.segment$/ },
  { name: 'a tile is taken', taken: /\/tile\// },
  { name: 'the checkpoint is taken', taken: /\/log\/checkpoint$/ },
  { name: 'all is taken and noted, and that is not on stable storage', syscall: 'fsync', file: (data) => data },
  { name: 'it is noted that a segment goes, and it is still here', syscall: 'unlink', file: (data) => join(data, 'journal', oldest(data)) },
];

const ofRestore: readonly KillPoint[] = [
  { name: 'a segment is written, and not in place', syscall: 'rename', file: 'journal.restoring/000000000001.segment.new' },
  { name: 'all segments are there, and it is not noted what the bucket has', syscall: 'fsync', file: 'journal.restoring' },
  { name: 'all is there, and the journal not in place', syscall: 'rename', file: 'journal.restoring' },
];

function oldest(data: string): string {
  return readdirSync(join(data, 'journal')).toSorted()[0] ?? '';
}

describe('a gateway that is killed while it fills a bucket goes on; a restore from the bucket that is killed is begun again', requireStrace(), () => {
  let target: SampleServer;
  let server: SmallS3Server;
  let gateway: GatewayProcess;
  const configOf = (more: string): string =>
    [
      `targets: { web: { url: "${target.url}" } }`,
      'principals: { ann: { kind: human, targets: [web] } }',
      `storage: { s3: { bucket: record, endpoint: "${server.endpoint}"${more} } }`,
      '',
    ].join('\n');
  before(async () => {
    target = await openServer(async (_request, response) => {
      response.end('answered');
      await Promise.resolve();
    });
    server = await SmallS3Server.open();
    gateway = await GatewayProcess.start({ config: configOf(''), environment: s3Environment });
  });
  after(async () => {
    await gateway[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
    await target[Symbol.asyncDispose]();
  });

  const storage = async (): Promise<ShownStorage | null> => JSON.parse(await (await gateway.api('/api/v1/storage')).text());
  const complete = (): number => Number(/\d+/.exec(readdirSync(join(gateway.data, 'journal')).toSorted().at(-1) ?? '')?.[0]) - 1;

  /** A copy of what is in the bucket holds by itself. `isBetween`: the checkpoint of its last segment may not be there yet. */
  const verifyBucket = async (isBetween: boolean): Promise<void> => {
    const copy = join(gateway.directory, 'copy');
    rmSync(copy, { recursive: true, force: true });
    for (const [name, { bytes }] of server.objects) {
      const file = join(copy, name.slice(name.indexOf('/') + 1));
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, bytes);
    }
    const { findings } = await verifyStore(openStoreFiles(copy), { keys: [readFileSync(join(gateway.data, 'log', 'key'), 'utf8').trim()] });
    assert.deepEqual(isBetween ? findings.filter(({ where }) => !/^log\/(key|checkpoint)$/.test(where)) : findings, []);
  };

  for (const point of ofUpload) {
    test(`upload: ${point.name}`, async () => {
      const headers = { authorization: `Bearer ${await gateway.issueToken('ann')}`, connection: 'close' };
      await (await fetch(`http://127.0.0.1:${gateway.port('http')}/t/web/page`, { headers })).text();
      await gateway.signal('SIGTERM');
      gateway.configure(configOf('file' in point && point.syscall === 'unlink' ? ', keepLocal: { bytes: 0 }' : ''));
      server.failing = 503;
      await gateway.start();
      if ('taken' in point) {
        server.onTaken = (name) => {
          if (point.taken.test(name)) {
            process.kill(gateway.pid, 'SIGKILL');
          }
        };
        server.failing = null;
        await waitUntil(() => gateway.killedBy !== null);
        server.onTaken = () => undefined;
      } else {
        await killAt(gateway, { ...point, file: point.file(gateway.data) }, async () => {
          server.failing = null;
          await Promise.resolve();
        });
      }
      await verifyBucket(true);
      await gateway.start();
      await waitUntil(async () => (await storage())?.kept === complete());
      await verifyBucket(false);
      const sent = server.sent.filter((name) => !name.endsWith('/log/checkpoint'));
      assert.deepEqual(sent, [...new Set(sent)], 'nothing was sent twice');
      assert.deepEqual(
        sent.filter((name) => name.endsWith('.segment')),
        sent.filter((name) => name.endsWith('.segment')).toSorted(),
        'in order',
      );
      const { status, stdout } = await verify(gateway.data);
      assert.equal(status, 0, stdout);
    });
  }

  /** The server is in this process, so the command must not make its event loop stand still. */
  const verify = async (data: string): Promise<{ readonly status: number; readonly stdout: string }> => run('verify', '--data', data, '--storage');
  const run = async (...words: readonly string[]): Promise<{ readonly status: number; readonly stdout: string }> => {
    const command = gateway.spawnCli(words, s3Environment);
    const [[status], stdout, stderr] = await Promise.all([once(command, 'exit'), text(command.stdout), text(command.stderr)]);
    return { status: Number(status), stdout: stdout + stderr };
  };

  for (const { name, syscall, file } of ofRestore) {
    test(`restore: ${name}`, async () => {
      await gateway.signal('SIGTERM');
      gateway.configure(configOf(''));
      const data = join(gateway.directory, 'restored');
      rmSync(data, { recursive: true, force: true });
      mkdirSync(data);
      for (const key of ['keys.db', 'root.key']) {
        cpSync(join(gateway.data, key), join(data, key));
      }
      const words = ['storage', 'restore', '--data', data, '--config', gateway.configFile];
      await killCommandAt({ syscall, file: join(data, file) }, words, s3Environment);
      assert.ok(!existsSync(join(data, 'journal')), 'the journal appears whole or not at all');
      const restored = await run(...words);
      assert.equal(restored.status, 0, restored.stdout);
      const { stdout } = await run('verify', '--data', data, '--key', join(gateway.data, 'log', 'key'), '--storage', '--json');
      const { findings }: StoreReport = JSON.parse(stdout);
      // The first start makes the log again.
      assert.deepEqual(
        findings.filter(({ where }) => !where.startsWith('log/')),
        [],
      );
    });
  }
});
