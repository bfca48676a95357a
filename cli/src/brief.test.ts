import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import type { ShownRecord } from '@countersign/gateway/api';
import { briefly } from './brief.ts';
import { saidIn } from './said.ts';
import { shownRecord } from './testdata/shown-record.ts';

const answer = (attributes: ShownRecord['attributes'], text = ''): ShownRecord =>
  shownRecord(text, { attributes: { 'countersign.duration_ms': 7, ...attributes } });

async function lineOf(record: ShownRecord): Promise<string> {
  async function* given(): AsyncGenerator<ShownRecord> {
    yield await Promise.resolve(record);
  }
  const lines: string[] = [];
  for await (const line of briefly(given())) {
    lines.push(line);
  }
  return lines.join('\n');
}

test('T4.34: what a model said reads the same at a glance as in the timeline', async () => {
  const parts = [
    { type: 'reasoning', content: 'Hm.' },
    { type: 'tool_call', name: 'run_sql', id: 'call_1', arguments: { q: 1 } },
  ];
  const messages = JSON.stringify([{ role: 'assistant', parts, finish_reason: 'tool_calls' }]);
  const said = saidIn(messages);
  assert.deepEqual(said, ['reasoning: Hm.', 'tool call run_sql({"q":1}) [call_1]', 'finished: tool_calls']);
  assert.equal(await lineOf(answer({ 'gen_ai.output.messages': messages })), `03:04:05.678 ← model ${said.slice(0, 2).join(' ')}`);
});

test('of all events, only a change of the environment has a line', async () => {
  const facts = { 'countersign.environment': 4, 'countersign.configuration.sha256': 'ab'.repeat(32), 'countersign.policy_version': 'grants:1' };
  const event = (action: string): ShownRecord => ({ ...answer(facts), kind: 'event', target: null, action, content: null });
  assert.equal(
    await lineOf(event('gateway.change_environment')),
    '03:04:05.678 · gateway.change_environment policy_version=grants:1 configuration=abababababab',
  );
  assert.equal(await lineOf(event('gateway.disconnect')), '');
});

test('T4.34: a summary is short enough to read at a glance', async () => {
  assert.equal(await lineOf(answer({ 'countersign.summary': '2 parameters' }, 'a = 1')), '03:04:05.678 ← model 2 parameters');
});

test('T4.34: an answer over WebSocket has one line, and its pieces have none', async () => {
  const spoken = (text: string, attributes: ShownRecord['attributes'] = {}): ShownRecord => ({
    ...answer({}, text),
    attributes: {
      'countersign.websocket.opcode': 'text',
      'gen_ai.output.messages': JSON.stringify([{ role: 'assistant', parts: [{ type: 'text', content: text }] }]),
      ...attributes,
    },
  });
  assert.equal(await lineOf(spoken('hel')), '');
  assert.equal(await lineOf(spoken('hello', { 'gen_ai.response.finish_reasons': ['completed'] })), '03:04:05.678 ← model hello');
});

test('a request has the policies that decided on it, and if it was not allowed the verdict and the reason', async () => {
  const request = (verdict: string, policies: readonly string[], attributes: ShownRecord['attributes'] = {}): ShownRecord => ({
    ...answer(attributes, 'DELETE FROM orders'),
    kind: 'request',
    action: 'any.query',
    verdict,
    policies,
  });
  const line = '03:04:05.678 → model any.query DELETE FROM orders [grant:bot:model]';
  assert.equal(await lineOf(request('allow', ['grant:bot:model'], { 'countersign.reason': 'It is granted.' })), line);
  assert.equal(
    await lineOf(request('deny', ['agents.cedar:where'], { 'countersign.reason': 'Say which rows.' })),
    '03:04:05.678 → model DENIED any.query DELETE FROM orders [agents.cedar:where] Say which rows.',
  );
  assert.equal(
    await lineOf(request('hold', ['agents.cedar:writes\u001B[2J', 'grant:bot:model'], { 'countersign.reason': 'Ask.\u001B[2J' })),
    String.raw`03:04:05.678 → model HELD any.query DELETE FROM orders [agents.cedar:writes\x1b[2J, grant:bot:model] Ask.\x1b[2J`,
  );
});

test('a request says which values it carries and has, an answer which came in it, both whether nobody could look, and a leak what leaked', async () => {
  const followed = (name: string, source: string, from: string): string => `${name} 50abce83-23-63d529f2e1e3e816 ${from} ${source}`;
  const carried = [followed('email', 'shop/a.b', 'x/1'), followed('email', 'shop/a.b', 'x/1'), followed('card', 'pay:/card', 'x/2')];
  const asked = {
    'countersign.carries': ['card', 'email', 'pay:/card', 'shop/a.b'],
    'countersign.carried': carried,
    'countersign.classes': ['card', 'email', 'iban', 'phone'],
    'countersign.masked': ['iban=1'],
  };
  const request = { ...answer(asked, 'hello'), kind: 'request', action: 'any.query', verdict: 'allow' };
  const words = 'carries email of shop/a.b from x/1, card of pay:/card from x/2, holds phone, masked iban=1';
  assert.equal(await lineOf(request), `03:04:05.678 → model any.query hello #4 ${words}`);
  assert.equal(await lineOf(answer({ 'countersign.classes': ['email'] }, 'hello')), '03:04:05.678 ← model hello #4 saw email');
  assert.equal(await lineOf(answer({ 'countersign.inspected': false }, 'hello')), '03:04:05.678 ← model hello #4 not inspected');
  const unread = { ...request, attributes: { 'countersign.carries': ['unknown'] } };
  assert.equal(await lineOf(unread), '03:04:05.678 → model any.query hello #4 may carry unknown values');
  const cut = { ...answer({ 'countersign.followed_is_cut': true }), kind: 'event', action: 'gateway.follow', content: null };
  assert.equal(await lineOf(cut), '03:04:05.678 · model gateway.follow more values came than are followed');
  const leak = { 'countersign.leak': ['email shop/a.b', 'card pay:/card'], 'countersign.reason': 'values of other targets go to mail' };
  const alert = { ...answer(leak), kind: 'alert', action: 'http.request', target: 'mail', content: null };
  assert.equal(await lineOf(alert), '03:04:05.678 ! mail http.request values of other targets go to mail: email of shop/a.b, card of pay:/card');
});

test('what people did is said: an approval with who gave it, and the end of a session with its reason', async () => {
  const approval = (attributes: ShownRecord['attributes']): ShownRecord => ({
    ...answer({ 'countersign.approval.id': 'ap_1', ...attributes }),
    kind: 'approval',
    action: 'any.query',
    content: null,
  });
  assert.equal(
    await lineOf(approval({ 'countersign.approval.state': 'waiting', 'countersign.approval.groups': ['dba', 'security'] })),
    '03:04:05.678 ? model approval ap_1 waiting for dba,security',
  );
  assert.equal(
    await lineOf(approval({ 'countersign.approval.state': 'granted', 'countersign.approval.by': 'ann', 'countersign.approval.note': 'as agreed' })),
    '03:04:05.678 ? model approval ap_1 granted by ann: as agreed',
  );
  assert.equal(await lineOf(approval({ 'countersign.approval.state': 'spent' })), '');
  const spent = {
    'countersign.approval.state': 'spent',
    'countersign.approval.groups': ['dba', 'security'],
    'countersign.approval.granted_by': ['ann', 'bob'],
    'countersign.approval.granted_notes': ['ok\n), eve (boss)', ''],
  };
  assert.equal(
    await lineOf(approval({ ...spent, 'countersign.approval.asked_session': 'another' })),
    String.raw`03:04:05.678 ? model approval ap_1 spent: approved by ann (dba), bob (security): ok\x0a), eve (boss)`,
  );
  assert.equal(await lineOf(approval({ ...spent, 'countersign.approval.asked_session': answer({}).session })), '', 'the grant has a line there');
  const broken = {
    'countersign.approval.granted_by': ['dan'],
    'countersign.approval.granted_notes': ['outage'],
    'countersign.approval.break_glass': ['oncall', 'leads'],
  };
  assert.equal(
    await lineOf(approval({ ...spent, ...broken, 'countersign.approval.asked_session': 'another' })),
    '03:04:05.678 ? model approval ap_1 spent: glass broken by dan (oncall, leads): outage',
  );
  const facts = { by: 'operator', address: 'operator socket', reason: 'it reads too much' };
  const close = { ...answer({ 'countersign.close.reason': 'halted' }), kind: 'close', channel: null, target: null };
  const content = { mediaType: 'application/octet-stream', base64: Buffer.from(JSON.stringify(facts)).toString('base64'), bytes: 7 };
  assert.equal(await lineOf({ ...close, content }), "03:04:05.678 × halted the operator on the gateway's machine ended it: it reads too much");
  assert.equal(await lineOf({ ...close, content: null }), '');
});

test('found: of the gateway itself, refused logins, what people did and alerts have a line that says what they are', async () => {
  const own = { ...answer({}), channel: 0, target: null, principal: null, content: null };
  const attributes = { 'user.id': 'ann', 'client.address': '10.0.0.7', 'countersign.principal': 'bot' };
  const suspended = { ...own, kind: 'decision', action: 'gateway.suspend_principal', verdict: 'allow', attributes };
  assert.equal(
    await lineOf({ ...suspended, attributes: { ...attributes, 'countersign.reason': 'it sends mails' } }),
    '03:04:05.678 ? gateway.suspend_principal ann from 10.0.0.7 suspended bot: it sends mails',
  );
  assert.equal(await lineOf({ ...suspended, action: 'gateway.resume_principal' }), '03:04:05.678 ? gateway.resume_principal ann from 10.0.0.7 resumed bot');
  const refused = { 'client.address': '10.0.0.8', 'countersign.protocol': 'http', 'countersign.reason': 'unauthenticated: no token' };
  assert.equal(
    await lineOf({ ...own, kind: 'decision', action: 'gateway.authenticate', verdict: 'deny', attributes: refused }),
    '03:04:05.678 ? DENIED gateway.authenticate a login was refused: from 10.0.0.8 over http: unauthenticated: no token',
  );
  assert.equal(
    await lineOf({ ...own, kind: 'alert', action: 'gateway.refuse_policy', attributes: { 'countersign.reason': 'a.cedar:1:2: typo' } }),
    '03:04:05.678 ! gateway.refuse_policy a.cedar:1:2: typo',
  );
  assert.equal(await lineOf({ ...own, kind: 'decision', action: 'gateway.connect', verdict: 'allow' }), '');
  assert.equal(
    await lineOf({ ...own, kind: 'mask', action: 'gateway.mask', attributes: { 'countersign.masked': ['card=1', 'email=3'] } }),
    '03:04:05.678 ~ masked card=1, email=3',
  );
  assert.equal(await lineOf({ ...own, kind: 'mask', action: 'gateway.mask', attributes: { 'countersign.request': 3 } }), '', 'the line of the request has it');
});

test('an answer that was cut off says why, one without rows what was done, and one over HTTP has its body', async () => {
  assert.equal(await lineOf(answer({ 'error.type': 'halted' }, 'half a sen')), '03:04:05.678 ← model CUT OFF (halted) half a sen');
  assert.equal(await lineOf(answer({ 'db.response.returned_rows': 0 }, 'NOTICE: it waits\nUPDATE 1')), '03:04:05.678 ← model UPDATE 1');
  assert.equal(await lineOf(answer({}, 'HTTP 202\ndate: today\n\n{"mail":1}')), '03:04:05.678 ← model HTTP 202 {"mail":1}');
});

test('an answer whose content was deleted says so', async () => {
  assert.equal(await lineOf({ ...answer({ 'countersign.withheld': 'erased' }), content: null }), '03:04:05.678 ← model (content deleted)');
});
