import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import type { ShownRecord } from '@countersign/gateway/api';
import { describeOverview, describeRecord, legend } from './show.ts';
import { shownRecord } from './testdata/shown-record.ts';

const record = (text: string, attributes: ShownRecord['attributes'] = {}): ShownRecord =>
  shownRecord(text, { action: 'any.chat', verdict: 'allow', attributes });

test('T4.34: the line has date and zone, the models asked and served, tokens and names of tools', () => {
  const said = describeRecord(
    record('', {
      'gen_ai.request.model': 'm',
      'gen_ai.response.model': 'm-2026',
      'gen_ai.usage.input_tokens': 7,
      'gen_ai.usage.output_tokens': 9,
      'gen_ai.tool.name': ['run_sql'],
    }),
  );
  assert.ok(said.includes('2026-01-02 03:04:05.678Z'), said);
  assert.match(said, /model=m served=m-2026 tokens_in=7 tokens_out=9 tools=run_sql/);
});

test('a decision has its verdict on its line, and each record the policies that decided on it', () => {
  const policies = ['agents.cedar:production', 'grant:bot:model'];
  assert.match(
    describeRecord({ ...record(''), kind: 'decision', policies }),
    / \? any\.chat model allow \S*policies=agents\.cedar:production,grant:bot:model #4/,
  );
  assert.match(describeRecord({ ...record(''), kind: 'request', policies }), / → any\.chat model\S* \S*policies=/);
  const waiting = { 'countersign.approval.id': 'ap_1', 'countersign.approval.state': 'waiting', 'countersign.approval.groups': ['dba'] };
  assert.match(describeRecord({ ...record('', waiting), kind: 'approval', verdict: null }), /approval=ap_1 state=waiting groups=dba #4/);
});

test('the environment and what the client says of itself are shown where they are stated, with controls escaped', () => {
  const stated = {
    'countersign.configuration.sha256': 'ab'.repeat(32),
    'countersign.policy_version': 'grants:1',
    'service.version': '0.1.0',
    'countersign.target.tags': ['zone=inside'],
    'countersign.client.claims': ['application_name=\u001b[2Jpsql'],
  };
  const at = (seq: number): string =>
    describeRecord({ ...record(''), kind: 'decision', attributes: { ...stated, 'countersign.environment': seq, 'countersign.opening': seq } });
  assert.match(at(4), / tags=zone=inside claims=application_name=\\x1b\[2Jpsql policy_version=grants:1 configuration=abababababab version=0\.1\.0 #4/);
  assert.doesNotMatch(at(3), /claims|policy_version|configuration|version/, 'records after it only name it');
});

test('T4.34: the legend has each sign that a record may have', () => {
  for (const kind of ['open', 'decision', 'request', 'response', 'close', 'alert', 'incident', 'event', 'access']) {
    const [, sign = 'none'] = /^\S+ \S+ {2}2 (\S) /.exec(describeRecord({ ...record(''), kind })) ?? [];
    assert.ok(legend.includes(` ${sign} `), `${kind}: ${sign}`);
  }
});

test('T4.34: the status of an answer over HTTP is on its line if it is not the usual one', () => {
  for (const status of [101, 204, 404, 502]) {
    assert.match(describeRecord(record('', { 'http.response.status_code': status })), new RegExp(`status=${status}`));
  }
  assert.doesNotMatch(describeRecord(record('', { 'http.response.status_code': 200 })), /status/);
});

test('T4.43, E55: a long value is cut for people, but not at a place that was searched for, and --full shows all of it', () => {
  const long = `${'a'.repeat(300_000)}NEEDLE${'b'.repeat(10)}`;
  const cut = describeRecord(record(long));
  assert.ok(cut.length < 5000 && cut.includes(' characters more: --full'));
  const found = describeRecord(record(long), { grep: 'needle' });
  assert.ok(found.length < 5000 && found.includes('aNEEDLEb'));
  assert.ok(describeRecord(record(long), { full: true }).includes(long));
});

test('T4.34: a summary replaces its text, unless the whole text or a search in it is asked for', () => {
  const told = record('a = 1\nb = 2', { 'countersign.summary': '2 parameters\u001B[2J' });
  assert.match(describeRecord(told), /\n {4}2 parameters\\x1b\[2J …: --full$/);
  assert.match(describeRecord(told, { grep: 'parameters' }), /\n {4}2 parameters/);
  for (const whole of [describeRecord(told, { full: true }), describeRecord(told, { grep: 'B = 2' })]) {
    assert.match(whole, /\n {4}a = 1\n {4}b = 2$/);
  }
});

test('T4.34: no line with a hit is cut off', () => {
  const lines = Array.from({ length: 100 }, (_, i) => `line ${i}`);
  const found = describeRecord(record(lines.join('\n')), { grep: 'LINE 77' });
  assert.match(found, /… 37 lines more: --full.*\n {4}line 77\n.*… 22 lines more: --full/);
});

test('T4.34: who read a session, and who was not let in, is said in words', () => {
  const facts = Buffer.from('{"by":"admin","address":"10.0.0.7"}');
  const access = describeRecord({
    ...record('', { 'countersign.access.what': 'export', 'countersign.access.session': 'abc' }),
    kind: 'access',
    action: null,
    content: { mediaType: 'application/octet-stream', base64: facts.toString('base64'), bytes: facts.length },
  });
  assert.match(access, /admin from 10\.0\.0\.7 read session abc: export$/);
  const question = Buffer.from('{"by":"admin","address":"10.0.0.7","query":"class:card"}');
  const asked = describeRecord({
    ...record('', { 'countersign.access.what': 'search' }),
    kind: 'access',
    action: null,
    content: { mediaType: 'application/octet-stream', base64: question.toString('base64'), bytes: question.length },
  });
  assert.match(asked, /admin from 10\.0\.0\.7 asked for a search of all sessions: class:card$/);
  const refused = {
    ...record('', { 'client.address': '10.0.0.8', 'countersign.protocol': 'postgres', 'countersign.target': 'orders', 'user.name': 'eve\u001B[2J' }),
    kind: 'decision',
    action: 'gateway.authenticate',
    verdict: 'deny',
    content: null,
  };
  const words = describeRecord(refused);
  assert.ok(words.endsWith(String.raw`a login was refused: from 10.0.0.8 over postgres to orders as eve\x1b[2J`), words);
});

test('T4.34: how a session ended is on the line of its end, and who ended it, from where and why, in words', () => {
  const facts = Buffer.from('{"by":"ann","address":"10.0.0.7","reason":"reads too much\\u001b[2J"}');
  const halted = {
    ...record('', { 'countersign.close.reason': 'halted' }),
    kind: 'close',
    action: null,
    content: { mediaType: 'application/octet-stream', base64: facts.toString('base64'), bytes: facts.length },
  };
  const words = describeRecord(halted);
  assert.match(words, /× close.* reason=halted #4/);
  assert.ok(words.endsWith(String.raw`ann from 10.0.0.7 ended it: reads too much\x1b[2J`), words);
  assert.match(describeRecord({ ...halted, attributes: { 'countersign.close.reason': 'crash' }, content: null }), /× close.* reason=crash #4\S*$/);
  for (const [by, who] of [
    ['operator', 'the operator'],
    ['ann', 'ann'],
  ] as const) {
    const local = Buffer.from(JSON.stringify({ by, address: 'operator socket', reason: '' }));
    const ended = describeRecord({ ...halted, content: { mediaType: 'application/octet-stream', base64: local.toString('base64'), bytes: local.length } });
    assert.ok(ended.endsWith(`    ${who} on the gateway's machine ended it`), ended);
  }
});

test('a session of which no content may be read is not said to be without statements', () => {
  const overview = {
    session: 's',
    principal: 'bot',
    targets: ['shop'],
    opened: '',
    closed: null,
    records: 3,
    durationMs: 0,
    counts: { statement: 1 },
    onBehalfOf: [],
  };
  const rest = { title: null, state: 'closed', classes: [], risk: { score: 0, reasons: [] }, findings: [], unindexed: 0 } as const;
  assert.match(describeOverview({ ...overview, ...rest }), /no prompt or statement that you may read/);
});
