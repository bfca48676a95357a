import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { before, describe, test } from 'node:test';
import { openServer } from '../../cli/src/demo/sample-server.ts';
import { followedMax } from '../../gateway/src/domain/followed-values.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { suiteParts } from '../support/suite-parts.ts';

const policies = `@id("reads")
permit (principal, action, resource);

@id("stays")
forbid (principal, action, resource == Target::"outside") when { context.carries.contains("email") };
`;

describe('a session that sees more values than are followed', () => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-many-'));
  const parts = suiteParts();
  let gateway: GatewayProcess;
  let token = '';
  before(async () => {
    parts.defer(() => {
      rmSync(directory, { recursive: true });
    });
    const file = join(directory, 'many.cedar');
    writeFileSync(file, policies);
    const server = parts.use(
      await openServer(async (request, response) => {
        const count = Number(await text(request));
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(JSON.stringify(Array.from({ length: count }, (_, at) => ({ mail: `reader${at * 7919}@example.com` }))));
      }),
    );
    const config = `targets:
  people: { url: "${server.url}", inspect: [email], durability: process }
  outside: { url: "${server.url}", durability: process }
principals: { agent: { kind: agent, targets: [people, outside] } }
policies: ${file}
`;
    gateway = parts.use(await GatewayProcess.start({ config }));
    token = await gateway.issueToken('agent');
  });

  const send = async (target: string, count: number): Promise<readonly [number, string]> => {
    for (;;) {
      const options = { method: 'POST', headers: { authorization: `Bearer ${token}` }, body: String(count) };
      const answer = await fetch(`http://127.0.0.1:${gateway.port('http')}/t/${target}/`, options);
      const words = await answer.text();
      if (answer.status !== 503) {
        return [answer.status, words];
      }
    }
  };

  test('is denied what a policy can no longer decide on, also after a kill -9, and the record says from when on', async () => {
    assert.equal((await send('people', followedMax))[0], 200);
    assert.equal((await send('outside', 1))[0], 200, 'as many are followed');
    assert.equal((await send('people', followedMax + 1))[0], 200);
    for (const isRestarted of [false, true]) {
      if (isRestarted) {
        await gateway.signal('SIGKILL');
        await gateway.start();
      }
      const [status, words] = await send('outside', 1);
      assert.equal(status, 403);
      assert.match(words, /has seen more values of data classes than are followed/);
    }
    const session = (await gateway.sessions()).find(({ state }) => state === 'interrupted');
    const records = await gateway.records(session?.session ?? '');
    // An answer in pieces is looked at before it is whole, and then each value has its place.
    const followed = new Set(records.flatMap(({ attributes }) => [attributes['countersign.followed'] ?? []].flat().map((each) => String(each).split(' ')[1])));
    const cut = records.filter(({ attributes }) => attributes['countersign.followed_is_cut'] === true);
    assert.deepEqual([followed.size, cut.length], [followedMax, 1]);
  });
});
