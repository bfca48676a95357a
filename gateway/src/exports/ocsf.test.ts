import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FeedRecord } from './feed-record.ts';
import { ocsfEvent } from './ocsf.ts';
import { ocsfFaults } from './testdata/ocsf-faults.ts';
import { recordOf } from './testdata/record.ts';

const cases: readonly (readonly [name: string, classUid: number, activity: number, record: FeedRecord])[] = [
  [
    'a statement that reads',
    6005,
    1,
    recordOf({ attributes: { 'db.namespace': 'shop' } }, { verb: ['select'], effect: ['read'], table: ['public.customers'] }),
  ],
  ['a statement that deletes a table', 6005, 7, recordOf({ verdict: 'deny' }, { verb: ['drop_table'], effect: ['destroy', 'write'] })],
  [
    'an answer of a database that is an error',
    6005,
    4,
    recordOf({ kind: 'response', verdict: null }, { 'db.system.name': ['postgresql'], sqlstate: ['42P01'] }),
  ],
  [
    'a prompt',
    6003,
    99,
    recordOf({ protocol: 'llm', action: 'llm.chat', target: 'openai' }, { model: ['gpt-4o'], provider: ['openai'], 'on-behalf-of': ['ann'] }),
  ],
  [
    'an output',
    6003,
    99,
    recordOf(
      { kind: 'response', verdict: null, attributes: { 'gen_ai.usage.input_tokens': 10, 'gen_ai.usage.output_tokens': 5 } },
      { 'model-served': ['gpt-4o-2026'], status: ['200'] },
    ),
  ],
  ['a call of a tool', 6003, 3, recordOf({ protocol: 'mcp', action: 'mcp.call_tool', verdict: 'hold' }, { tool: ['send_mail'], effect: ['write'] })],
  [
    'a login that failed',
    3002,
    1,
    recordOf({ kind: 'decision', action: 'gateway.authenticate', verdict: 'deny', target: null, protocol: null }, { principal: [] }),
  ],
  [
    'a request that needs a role which somebody who came in does not have',
    6003,
    99,
    recordOf({
      kind: 'decision',
      action: 'gateway.authenticate',
      verdict: 'deny',
      target: null,
      protocol: null,
      attributes: { 'countersign.reason': 'refused: bot may not search records' },
    }),
  ],
  ['the end of a channel', 3002, 2, recordOf({ kind: 'event', action: 'gateway.disconnect', verdict: null })],
  [
    'an alert',
    2004,
    1,
    recordOf({
      kind: 'alert',
      action: 'gateway.raise_alert',
      attributes: {
        'countersign.alert.id': 'al_1',
        'countersign.alert.rule': 'denied-burst',
        'countersign.alert.by': ['principal=bot'],
        'countersign.severity': 'high',
        'countersign.count': 5,
        'countersign.first_time': '2026-11-29T11:59:00.000Z',
        'countersign.last_time': '2026-11-29T12:00:00.000Z',
        'countersign.alert.records': ['log/1', 'log/2'],
      },
    }),
  ],
  ['an alert that is closed', 2004, 3, recordOf({ kind: 'decision', action: 'gateway.close_alert', attributes: { 'countersign.alert.id': 'al_1' } })],
  ['an alert of a policy', 2004, 1, recordOf({ kind: 'alert', verdict: null, attributes: { 'countersign.severity': 'critical' } })],
  ['a mask', 2006, 1, recordOf({ kind: 'mask', action: 'gateway.mask', verdict: null }, { masked: ['card'] })],
  ['values that go on', 2006, 1, recordOf({ kind: 'alert', verdict: null, attributes: { 'countersign.leak': ['card orders/public.customers.card'] } })],
  [
    'a reading of a recording',
    6003,
    2,
    recordOf({ kind: 'access', action: null, verdict: null, target: null, protocol: null, policies: [] }, { address: ['operator socket'] }),
  ],
  ['a grant of an approval', 6003, 99, recordOf({ kind: 'approval', action: 'postgres.query', verdict: null })],
  ['a heartbeat', 0, 99, recordOf({ kind: 'heartbeat', action: null, verdict: null, target: null, protocol: null, principal: null }, {})],
  ['a sign-in', 3002, 1, recordOf({ kind: 'decision', action: 'gateway.sign_in', target: null, protocol: null })],
  ['an end of sign-ins', 3002, 2, recordOf({ kind: 'decision', action: 'gateway.end_sign_ins', target: null, protocol: null })],
  ['an act of an administrator', 6003, 99, recordOf({ kind: 'decision', action: 'gateway.create_token', target: null, protocol: null })],
];

for (const [name, classUid, activity, record] of cases) {
  test(`${name} is an event of its class that the schema of OCSF 1.8 allows`, () => {
    const event = JSON.parse(JSON.stringify(ocsfEvent(record)));
    assert.deepEqual(ocsfFaults(event), []);
    assert.deepEqual([event.class_uid, event.activity_id], [classUid, activity]);
  });
}

test('the severity is that of an alert, and low for what was denied', () => {
  const severities = [{ attributes: { 'countersign.severity': 'critical' } }, { verdict: 'deny' }, { verdict: 'hold' }, {}] as const;
  assert.deepEqual(
    severities.map((shown) => ocsfEvent(recordOf(shown))['severity_id']),
    [5, 2, 1, 1],
  );
});

test('text that goes out stands where the schema has a place for it', () => {
  const attributes = { 'db.namespace': 'shop', 'db.query.text': 'select 1' };
  const event = ocsfEvent(recordOf({ attributes, content: { mediaType: 'text/plain', text: 'select 1', bytes: 8 } }, { verb: ['select'] }));
  assert.deepEqual([event['query_info'], event['raw_data']], [{ query_string: 'select 1', uid: 'log/7' }, 'select 1']);
  assert.deepEqual(ocsfFaults(JSON.parse(JSON.stringify(event))), []);
});

test('the check of the schema finds faults', () => {
  const event = Object.assign({}, ocsfEvent(recordOf({})));
  assert.deepEqual(ocsfFaults({ ...event, severity_id: 8, actor: {}, more: 1, time: undefined }), [
    '.time is undefined',
    '.severity_id is 8',
    '.actor has none of process, user, invoked_by, session, app_name, app_uid',
    '.more is not in the schema',
  ]);
});
