import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, test } from 'node:test';
import type { ShownKeys } from '../../gateway/src/api/endpoints/list-keys.ts';
import { openServer, type SampleServer } from '../../cli/src/demo/sample-server.ts';
import { filesWith } from '../support/canary.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { killAt, type KillPoint } from '../support/kill-point.ts';
import { requireStrace } from '../support/strace.ts';

/** A recipient of age that was made for this test. */
const recipient = 'age15zdaqjrl5nahyg8r24mld6mx4zg4vex6tqtxph2mpqx2tt8u434qrfl2w4';

interface Point extends Omit<KillPoint, 'file'> {
  /** The path in the data directory. */
  readonly file: (gateway: GatewayProcess) => string;
}

/** The points of both acts, in their order: each announces in the journal, publishes, and then changes the key store. */
const shared: readonly Point[] = [
  { name: 'nothing is announced', syscall: 'pwrite64', file: (gateway) => gateway.segment() },
  { name: 'announced, and not on stable storage', syscall: 'fdatasync', file: (gateway) => gateway.segment() },
  { name: 'announced and signed, and not published', syscall: 'rename', file: ({ data }) => join(data, 'log', 'checkpoint.new') },
  { name: 'published, and the key store is to be changed', syscall: 'pwrite64', file: ({ data }) => join(data, 'keys.db-journal') },
  { name: 'the key store is half changed', syscall: 'pwrite64', file: ({ data }) => join(data, 'keys.db') },
  { name: 'the key store is changed, and not on stable storage', syscall: 'fsync', file: ({ data }) => join(data, 'keys.db') },
  { name: 'the key store is changed, and that does not count yet', syscall: 'ftruncate', file: ({ data }) => join(data, 'keys.db-journal') },
  // Two calls come before it: for the rows that take the change back, and for their number.
  { name: 'the key store is changed, and nobody knows that it counts', syscall: 'fsync', file: ({ data }) => join(data, 'keys.db-journal'), when: 3 },
];

const ofErasure: readonly Point[] = [
  ...shared,
  { name: 'the keys are destroyed, and the index still has words', syscall: 'pwrite64', file: ({ data }) => join(data, 'records.db-wal') },
];

const ofRotation: readonly Point[] = [
  { name: 'the new root secret is in escrow, and nothing is announced', syscall: 'fsync', file: ({ data }) => join(data, 'escrow') },
  ...shared,
];

describe('a gateway that is killed while it erases or rotates keys is in one of two states, and both verify', requireStrace(), () => {
  let word = '';
  let target: SampleServer;
  let gateway: GatewayProcess;
  before(async () => {
    target = await openServer(async (_request, response) => {
      response.end(word);
      await Promise.resolve();
    });
    const keys = `keys: { escrow: [${recipient}] }`;
    gateway = await GatewayProcess.start({
      config: `targets: { web: { url: "${target.url}" } }\nprincipals: { ann: { kind: human, targets: [web] } }\n${keys}\n`,
    });
  });
  after(async () => {
    await gateway[Symbol.asyncDispose]();
    await target[Symbol.asyncDispose]();
  });

  /** Records a session of its own, in which the target says a word that is nowhere else. */
  const ask = async (): Promise<string> => {
    word = randomBytes(16).toString('hex');
    const headers = { authorization: `Bearer ${await gateway.issueToken('ann')}`, connection: 'close' };
    const answer = await fetch(`http://127.0.0.1:${gateway.port('http')}/t/web/page`, { headers });
    assert.equal(await answer.text(), word);
    return (await gateway.newest()).session;
  };
  const reads = async (session: string): Promise<boolean> => JSON.stringify(await gateway.records(session)).includes(word);
  const verify = (): void => {
    const { status, stdout } = gateway.command(['verify', '--retention', '--data', gateway.data]);
    assert.equal(status, 0, stdout);
  };

  describe('erase', () => {
    const states = new Set<boolean>();
    for (const { file, ...point } of ofErasure) {
      test(point.name, async () => {
        const session = await ask();
        await gateway.whenIndexed();
        const earlier = secretsIn(gateway.data);
        const erase = async (): Promise<number> => {
          const body = { query: `session:${session}`, reason: 'a test' };
          const answer = await gateway.api('/api/v1/erasures', { method: 'POST', body });
          await answer.text();
          return answer.status;
        };
        await killAt(gateway, { ...point, file: file(gateway) }, erase);
        await gateway.start();
        const isRead = await reads(session);
        states.add(isRead);
        verify();
        if (isRead) {
          await gateway.whenIndexed();
          assert.equal(await erase(), 200);
          assert.equal(await reads(session), false);
        }
        const now = secretsIn(gateway.data);
        const gone = [...earlier].flatMap(([key, bytes]) => (bytes.length > 0 && now.get(key)?.length === 0 ? [bytes] : []));
        assert.ok(gone.length > 0);
        const left = filesWith(gateway.data, (bytes) => gone.some((one) => bytes.includes(one)));
        assert.deepEqual(left, [], 'files with a secret that was destroyed');
        verify();
      });
    }
    test('both states were seen', () => {
      assert.equal(states.size, 2);
    });
  });

  describe('rotate', () => {
    const states = new Set<boolean>();
    for (const { file, ...point } of ofRotation) {
      test(point.name, async () => {
        const session = await ask();
        const root = rootNumber(gateway.data);
        const rotate = async (): Promise<number> => {
          const answer = await gateway.api('/api/v1/keys/rotate-root', { method: 'POST', body: { reason: 'a test' } });
          await answer.text();
          return answer.status;
        };
        await killAt(gateway, { ...point, file: file(gateway) }, rotate);
        await gateway.start();
        const isRotated = rootNumber(gateway.data) > root;
        states.add(isRotated);
        assert.ok(await reads(session));
        const { root: shown, escrow }: ShownKeys = JSON.parse(await (await gateway.api('/api/v1/keys')).text());
        assert.ok(escrow.files.some((one) => one.root === shown.number));
        verify();
        if (!isRotated) {
          assert.equal(await rotate(), 200);
          assert.equal(rootNumber(gateway.data), root + 1);
          verify();
        }
      });
    }
    test('both states were seen', () => {
      assert.equal(states.size, 2);
    });
  });
});

function rootNumber(data: string): number {
  const database = new DatabaseSync(join(data, 'keys.db'), { readOnly: true });
  const row = database.prepare('SELECT id FROM root_key').get();
  database.close();
  return Number(row?.['id'] ?? 1);
}

/** The wrapped secrets of contents, by their numbers. Those that were destroyed are empty. */
function secretsIn(data: string): ReadonlyMap<number, Buffer> {
  const database = new DatabaseSync(join(data, 'keys.db'), { readOnly: true });
  const rows = database.prepare('SELECT id, content FROM session_secrets').all();
  database.close();
  return new Map(rows.map(({ id, content }) => [Number(id), Buffer.from(content instanceof Uint8Array ? content : [])]));
}
