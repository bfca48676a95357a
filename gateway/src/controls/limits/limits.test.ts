import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import type { Obligation } from '../../domain/decision.ts';
import type { Principal } from '../../domain/principal.ts';
import type { Target } from '../../domain/target.ts';
import { LiveHistory } from '../../domain/session-history.ts';
import type { Act } from '../control.ts';
import { Limits, steadyClock } from './limits.ts';

const bot: Principal = { id: 'bot', kind: 'agent', groups: [], targets: ['orders'] };
const orders: Target = { name: 'orders', protocol: 'any', scheme: 'any', host: 'h', port: 1, path: '', user: '', durability: 'disk', options: {} };

function limitOf(what: string, most: number, seconds = 3600, policy = 'p.cedar:few'): Obligation {
  return { kind: 'limit', parameters: { what, most: String(most), seconds: String(seconds), policy } };
}

function actOf({ principal = bot, target = orders, history = new LiveHistory() } = {}): Act {
  const asker = { principal, onBehalfOf: null, run: null, within: null, session: 's', address: '127.0.0.1', history };
  return { asker, target, action: { name: 'any.ask', attributes: {} }, timeMs: 0, bytes: [], isWhole: true, isPart: false };
}

/** Limits with a clock that the test moves. */
function counting(): {
  readonly limits: Limits;
  readonly clock: { nowMs: number };
  readonly ask: (act: Act, ...obligations: readonly Obligation[]) => string[];
} {
  const clock = { nowMs: 1_790_000_000_000 };
  const limits = new Limits(() => clock.nowMs);
  const ask = (act: Act, ...obligations: readonly Obligation[]): string[] => {
    const objections = obligations.flatMap((each) => limits.admit(act, each)?.objection ?? []);
    if (objections.length === 0) {
      obligations.forEach((each) => {
        limits.asked(act, each);
      });
    }
    return objections;
  };
  return { limits, clock, ask };
}

test('T4.3: an act over its limit is told the limit, what is used and when there is room; then there is', () => {
  const { limits, clock, ask } = counting();
  const few = limitOf('requests', 2);
  assert.deepEqual([ask(actOf(), few), ask(actOf(), few)], [[], []]);
  assert.match(ask(actOf(), few)[0] ?? '', /there is room again in about 1h$/);
  clock.nowMs += 600_000;
  const [objection] = ask(actOf(), few);
  assert.match(objection ?? '', /^the limit is 2 requests per 1h, and 2 are used: there is room again in 51m$/);
  const seconds = limits.admit(actOf(), few)?.retryAfterSeconds ?? 0;
  clock.nowMs += (seconds - 1) * 1000;
  assert.equal(limits.admit(actOf(), few)?.retryAfterSeconds, 1);
  clock.nowMs += 1000;
  assert.deepEqual(ask(actOf(), few), []);
});

test('T4.4: of two limits the stricter decides, and a denied act counts for neither', () => {
  const { clock, ask } = counting();
  const both = [limitOf('requests', 3, 3600, 'p:hour'), limitOf('requests', 1, 60, 'p:minute')];
  assert.deepEqual(ask(actOf(), ...both), []);
  for (let i = 0; i < 10; i += 1) {
    assert.match(ask(actOf(), ...both).join(), /the limit is 1 request per 1m, and 1 is used: there is room again in (about 1m|\d+s)$/);
  }
  for (const _ of [2, 3]) {
    clock.nowMs += 62_000;
    assert.deepEqual(ask(actOf(), ...both), []);
  }
  clock.nowMs += 62_000;
  assert.match(ask(actOf(), ...both).join(), /3 requests per 1h/);
});

test('T4.5: each principal and each target has its own window, and so has each policy', () => {
  const { ask } = counting();
  const few = limitOf('requests', 1);
  const asked = [actOf(), actOf({ principal: { ...bot, id: 'ann' } }), actOf({ target: { ...orders, name: 'mail' } })];
  assert.deepEqual(
    asked.map((act) => ask(act, few)),
    [[], [], []],
  );
  assert.equal(ask(actOf(), few).length, 1);
  assert.deepEqual(ask(actOf(), limitOf('requests', 1, 3600, 'p.cedar:other')), []);
});

test('T4.6: what an answer brings counts when it is recorded, and the next act is denied', () => {
  const [rows, bytes, tokens] = [limitOf('rows', 10), limitOf('bytes', 100), limitOf('tokens', 7)];
  for (const [limit, part] of [
    [rows, { attributes: { 'db.response.returned_rows': 11 }, bytes: 5 }],
    [bytes, { attributes: {}, bytes: 100 }],
    [tokens, { attributes: { 'gen_ai.usage.input_tokens': 4, 'gen_ai.usage.output_tokens': 3 }, bytes: 5 }],
    [tokens, { attributes: { 'gen_ai.usage.input_tokens': 4, 'countersign.estimated_tokens': 3 }, bytes: 5 }],
  ] as const) {
    const { limits, ask } = counting();
    assert.deepEqual(ask(actOf(), limit), []);
    limits.answered(actOf(), limit, part);
    assert.equal(ask(actOf(), limit).length, 1);
  }
});

test('T4.6: rows count with the record that has them, whether or not the answer comes to its end, and once', () => {
  const { limits, ask } = counting();
  const rows = limitOf('rows', 10);
  for (const attributes of [{ 'countersign.part_rows': 5 }, { 'countersign.part_rows': 4 }, { 'countersign.part_rows': 0, 'db.response.returned_rows': 9 }]) {
    limits.answered(actOf(), rows, { attributes, bytes: 5 });
  }
  assert.deepEqual(ask(actOf(), rows), []);
  limits.answered(actOf(), rows, { attributes: { 'countersign.part_rows': 1 }, bytes: 5 });
  assert.match(ask(actOf(), rows).join(), /10 are used/);
});

test('T4.7: a limit of sessions lets those go on that have begun', () => {
  const { ask } = counting();
  const one = limitOf('sessions', 1);
  const [first, second] = [new LiveHistory(), new LiveHistory()];
  assert.deepEqual(ask(actOf({ history: first }), one), []);
  first.allowed('orders', {});
  assert.equal(ask(actOf({ history: second }), one).length, 1);
  const mail = { ...orders, name: 'mail' };
  assert.deepEqual(ask(actOf({ history: first, target: mail }), one), []);
  second.allowed('files', {});
  assert.equal(ask(actOf({ history: second }), one).length, 1, 'what it did at a target without the limit does not let it go on here');
});

test('T4.8: a limit that comes into force is not ready before its window is filled, and one that was in force stays so', () => {
  const { limits, ask } = counting();
  const [old, added] = [limitOf('requests', 2, 3600, 'p:old'), limitOf('requests', 2, 3600, 'p:added')];
  limits.enforce([old]).complete([]);
  assert.deepEqual(ask(actOf(), old), []);
  const filling = limits.enforce([{ ...old, parameters: { ...old.parameters, most: '1' } }, added]);
  assert.deepEqual([limits.isReady(old), limits.isReady(added)], [true, false]);
  assert.deepEqual(
    filling.limits.map(({ name }) => name),
    ['p:added requests 3600'],
  );
  assert.equal(ask(actOf(), limitOf('requests', 1, 3600, 'p:old')).length, 1, 'another number is held against the same window');
  assert.deepEqual(ask(actOf(), added), []);
  const again = limits.enforce([old]);
  assert.deepEqual(again.limits, []);
  const later = limits.enforce([old, added]);
  const [limit] = later.limits;
  assert.ok(limit !== undefined);
  filling.complete([{ limit, principal: 'bot', target: 'orders', timeMs: 1_790_000_000_000, amount: 2 }]);
  assert.equal(limits.isReady(added), false, 'an earlier filling does not end a later one');
  later.complete([{ limit, principal: 'bot', target: 'orders', timeMs: 1_789_999_999_000, amount: 2 }]);
  assert.equal(limits.isReady(added), true);
  assert.equal(ask(actOf(), added).length, 1);
});

test('T4.21: what is read for a limit that was taken away meanwhile is not counted twice when it comes back', () => {
  const { limits, ask } = counting();
  const few = limitOf('requests', 3);
  const first = limits.enforce([few]);
  const amounts = first.limits.map((limit) => ({ limit, principal: 'bot', target: 'orders', timeMs: 1_790_000_000_000, amount: 2 }));
  limits.enforce([]);
  first.complete(amounts);
  limits.enforce([few]).complete(amounts);
  assert.deepEqual(ask(actOf(), few), []);
  assert.equal(ask(actOf(), few).length, 1);
});

test('T4.21: what an answer brings while its limit is not in force is counted by the journal alone when the limit comes back', () => {
  const { limits, ask } = counting();
  const rows = limitOf('rows', 10);
  limits.enforce([rows]).complete([]);
  limits.enforce([]);
  limits.answered(actOf(), rows, { attributes: { 'db.response.returned_rows': 6 }, bytes: 5 });
  const back = limits.enforce([rows]);
  back.complete(back.limits.map((limit) => ({ limit, principal: 'bot', target: 'orders', timeMs: 1_790_000_000_000, amount: 6 })));
  assert.deepEqual(ask(actOf(), rows), []);
});

test('T4.9: the clock of limits goes on as time does, from the time of the day', () => {
  const clock = steadyClock();
  const [nowMs, wallMs] = [clock(), Date.now()];
  assert.ok(Math.abs(nowMs - wallMs) < 1000);
  assert.ok(clock() >= nowMs);
});
