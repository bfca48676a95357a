import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import type { ShownStorage } from '../../gateway/src/api/endpoints/show-storage.ts';
import { openServer, type SampleServer } from '../../cli/src/demo/sample-server.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { s3Environment, SmallS3Server } from '../../gateway/src/archive/testdata/s3-server.ts';
import { waitUntil } from '../support/wait-until.ts';

let target: SampleServer;
before(async () => {
  target = await openServer(async (_request, response) => {
    response.end('what the target answered');
    await Promise.resolve();
  });
});
after(async () => target[Symbol.asyncDispose]());

/** The configuration of a gateway that sends what it records to a server. */
function configOf({ endpoint }: SmallS3Server, more = ''): string {
  return [
    `targets: { web: { url: "${target.url}" } }`,
    'principals: { ann: { kind: human, targets: [web] } }',
    `storage: { s3: { bucket: record, endpoint: "${endpoint}", prefix: audit/${more} } }`,
    '',
  ].join('\n');
}

async function ask(gateway: GatewayProcess): Promise<void> {
  const headers = { authorization: `Bearer ${await gateway.issueToken('ann')}`, connection: 'close' };
  const answer = await fetch(`http://127.0.0.1:${gateway.port('http')}/t/web/page`, { headers });
  assert.equal(await answer.text(), 'what the target answered');
}

async function statusOf(gateway: GatewayProcess): Promise<ShownStorage | null> {
  const answer = await gateway.api('/api/v1/storage');
  return JSON.parse(await answer.text());
}

async function whenKept(gateway: GatewayProcess, segments: number): Promise<void> {
  await waitUntil(async () => (await statusOf(gateway))?.kept === segments);
}

/** Begins a new segment, so that the one before is complete. */
async function restart(gateway: GatewayProcess): Promise<void> {
  await gateway.signal('SIGTERM');
  await gateway.start();
}

describe('a bucket', () => {
  let server: SmallS3Server;
  let gateway: GatewayProcess;
  before(async () => {
    server = await SmallS3Server.open();
    gateway = await GatewayProcess.start({ config: configOf(server), environment: s3Environment });
  });
  after(async () => {
    await gateway[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });

  test('gets each segment as it is, and all that is dropped here is read from there', async () => {
    await ask(gateway);
    const { session } = await gateway.newest();
    await restart(gateway);
    await whenKept(gateway, 1);
    const shown = await gateway.records(session);
    await gateway.signal('SIGTERM');
    gateway.configure(configOf(server, ', keepLocal: { bytes: 0 }'));
    await gateway.start();
    await gateway.whenIndexed();
    await waitUntil(async () => (await statusOf(gateway))?.dropped === 2);
    assert.deepEqual(readdirSync(join(gateway.data, 'journal')), ['000000000003.segment']);
    assert.deepEqual(await gateway.records(session), shown);
    const found = await (await gateway.api('/api/v1/search?q=target:web')).text();
    assert.match(found, new RegExp(session));

    const without = gateway.verify();
    assert.equal(without.status, 2, without.stdout);
    assert.match(without.stdout, /segments 1 to 2 are only in s3:\/\/record\/audit\/, and were not read there: --storage reads them/);
    // The server is in this process, so the command must not make its event loop stand still.
    const whole = gateway.spawnCli(['verify', '--data', gateway.data, '--storage'], s3Environment);
    const exited = once(whole, 'exit');
    const printed = await text(whole.stdout);
    assert.deepEqual((await exited)[0], 0, printed);
    assert.match(printed, /segments 1 to 2 were read from s3:\/\/record\/audit\//);
    const status = gateway.command(['storage', 'status']);
    assert.match(status.stdout, /s3:\/\/record\/audit\/ has segments 1 to 2; 1 to 2 are only there\nit has all that is complete/);
  });

  test('is filled by a gateway that was killed when a segment was taken and nobody knew it, and nothing is sent twice', async () => {
    await gateway.signal('SIGTERM');
    server.failing = 503;
    await gateway.start();
    const kept = (await statusOf(gateway))?.kept ?? 0;
    server.onTaken = (name) => {
      if (name.endsWith('.segment')) {
        process.kill(gateway.pid, 'SIGKILL');
      }
    };
    server.failing = null;
    await waitUntil(() => gateway.killedBy !== null);
    server.onTaken = () => undefined;
    await gateway.start();
    await waitUntil(async () => ((await statusOf(gateway))?.kept ?? 0) >= kept + 2);
    const segments = server.sent.filter((name) => name.endsWith('.segment'));
    assert.deepEqual(segments, [...new Set(segments)].toSorted());
    const verifying = gateway.spawnCli(['verify', '--data', gateway.data, '--storage'], s3Environment);
    const exited = once(verifying, 'exit');
    const printed = await text(verifying.stdout);
    assert.deepEqual((await exited)[0], 0, printed);
  });
});
