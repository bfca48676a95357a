import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openRunningGateway } from './testdata/running-gateway.ts';

test('a session is watched by server-sent events, and who was cut off goes on where it was', async () => {
  await using running = await openRunningGateway();
  const { session } = await running.json('POST', '/api/v1/runs', { principal: 'bot' });
  const watch = async (more: Readonly<Record<string, string>>): Promise<Response> =>
    fetch(`${running.url}/api/v1/sessions/${String(session)}/watch`, {
      headers: { authorization: `Bearer ${running.operator}`, accept: 'text/event-stream', ...more },
    });
  const watched = await watch({});
  assert.equal(watched.headers.get('content-type'), 'text/event-stream');
  await running.json('POST', `/api/v1/runs/${String(session)}/end`);
  const events = (await watched.text()).trimEnd().split('\n\n');
  assert.deepEqual(
    events.map((event) => event.split('\n').slice(0, -1)),
    [['id: 0', 'event: record'], ['id: 1', 'event: record'], ['id: 2', 'event: record'], ['event: end']],
  );
  const [, , data = ''] = events[1]?.split('\n') ?? [];
  assert.partialDeepStrictEqual(JSON.parse(data.replace('data: ', '')), { session, seq: 1, action: 'gateway.run' });
  assert.match(await (await watch({ 'last-event-id': '1' })).text(), /^id: 2\nevent: record\ndata: .*\n\nevent: end\n/);
});
