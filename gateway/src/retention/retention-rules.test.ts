import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { KnownFacts } from '../domain/known-facts.ts';
import { faultsOfRetention, RetentionRules, type KeptFor, type RetentionRule, type RetentionSettings } from './retention-rules.ts';

const channel: KnownFacts = {
  principal: 'support-bot',
  groups: ['agents'],
  onBehalfOf: 'ann@corp.example',
  target: 'orders',
  protocol: 'postgres',
  environment: 'production',
};
const standard: KeptFor = { content: 400, facts: 2555, floor: null };

function rule(query: string, content: number | null, { facts = 2555, floor = null }: Partial<KeptFor> = {}): RetentionRule {
  return { query, content, facts, floor };
}

/** The numbers of the classes are those of the rules in their order, from 2 on. */
function rulesOf(settings: RetentionSettings): RetentionRules {
  return new RetentionRules(settings, (query) => 2 + settings.rules.findIndex((each) => each.query === query));
}

function faults(...rules: readonly RetentionRule[]): readonly string[] {
  return faultsOfRetention({ default: standard, rules }).map((fault) => `${fault.rule} ${fault.at}: ${fault.message}`);
}

test('the longest rule that holds counts, for facts and contents apart', () => {
  const rules = rulesOf({
    default: standard,
    rules: [rule('target:orders', 30, { facts: 3000 }), rule('environment:production', 90), rule('group:(agents or bots)', 60, { facts: null })],
  });
  assert.deepEqual(rules.keepingOf(channel), { facts: { class: 4, days: null }, content: { class: 3, days: 90 } });
  assert.deepEqual(rules.keepingOf({ ...channel, groups: [] }), { facts: { class: 2, days: 3000 }, content: { class: 3, days: 90 } });
  const other = { ...channel, groups: [], target: 'tickets', environment: null };
  assert.deepEqual(rules.keepingOf(other), { facts: { class: 1, days: 2555 }, content: { class: 1, days: 400 } });
  assert.equal(rules.keepingOf(other), rules.keepingOf({ ...other, principal: 'ann' }), 'what is kept alike has one object');
});

test('every field that is known when a channel opens can be asked for', () => {
  for (const query of [
    'principal:support-bot',
    'user.id:support-bot',
    'group:agents',
    'on-behalf-of:*@corp.example',
    'target:orders',
    'protocol:postgres',
    'environment:prod*',
    'not target:tickets',
    'target:(orders or tickets) principal:support-bot',
  ]) {
    assert.deepEqual(rulesOf({ default: standard, rules: [rule(query, 30)] }).keepingOf(channel).content, { class: 2, days: 30 }, query);
  }
});

test('a rule about what is known later is left to the time before a key is destroyed', () => {
  for (const query of ['class:health', 'target:orders table:patients', 'refund', 'not kind:request', 'address:10.0.0.1']) {
    const rules = rulesOf({ default: standard, rules: [rule(query, 2555)] });
    assert.deepEqual(
      rules.classes.map(({ known }) => known),
      ['when recorded', 'later'],
    );
    assert.equal(rules.keepingOf(channel).content.class, 1, query);
  }
});

test('what contradicts itself is said', () => {
  assert.deepEqual(faults(rule('target:orders', 30), rule('class:health', 2190, { floor: 2190 }), rule('class:pan', null, { facts: null })), []);
  assert.deepEqual(faults(rule('tabel:x', 30)), ['0 query: There is no field "tabel": is table meant? (character 1 of "tabel:x")']);
  assert.deepEqual(faults(rule('target:a', 30), rule('target:b', 30, { floor: 31 })), [
    '1 floor: keep is 30d here, so nothing stays for 31d: make keep as long, or floor shorter',
  ]);
  assert.deepEqual(faults(rule('target:a', 730, { facts: 365 })), ['0 facts: facts are kept at least as long as contents, and keep is 2y here']);
  assert.deepEqual(faults(rule('target:a', null)), ['0 facts: facts are kept at least as long as contents, and keep is forever here']);
  assert.deepEqual(faults(rule('target:a class:health', 30)), [
    '0 keep: "class" is known only once something is recorded, so this rule can only lengthen: keep is at least 400d, as by default',
  ]);
  assert.match(faults(rule('class:health', 400, { facts: 400 })).join(), /^0 facts: .* facts are kept at least 7y, as by default; leave facts out$/);
  assert.deepEqual(faults(rule('target:a target:b', 30), rule(' target:a  AND target:b ', 40)), [
    '1 query: another rule, "target:a target:b", asks for the same: write one rule',
  ]);
  assert.match(faults(rule('target:a since:2h', 30)).join(), /leave times out/);
  assert.match(faults(rule(' ', 30)).join(), /change default instead/);
  const shortFacts = { default: { content: 400, facts: 30, floor: 500 }, rules: [] };
  assert.deepEqual(
    faultsOfRetention(shortFacts).map(({ rule: at, at: member }) => [at, member]),
    [
      [null, 'facts'],
      [null, 'floor'],
    ],
  );
});

test('for random rules and channels: no rule that holds is longer than what counts, the default counts only where none holds, and order does not matter', () => {
  const values = ['a', 'b', 'c'];
  const value = fc.constantFrom(...values);
  const term = fc.tuple(fc.constantFrom('target', 'principal', 'group', 'protocol', 'environment', 'on-behalf-of'), value);
  // A rule holds if each of its terms does, so that the test can say by itself whether it does.
  const days = fc.oneof(fc.integer({ min: 1, max: 5 }), fc.constant(null));
  const written = fc.record({ terms: fc.array(term, { minLength: 1, maxLength: 2 }), content: days, facts: days, floor: days });
  const known = fc.record({
    principal: value,
    groups: fc.subarray(values),
    onBehalfOf: fc.option(value),
    target: value,
    protocol: value,
    environment: fc.option(value),
  });
  const length = (each: number | null): number => each ?? Infinity;
  fc.assert(
    fc.property(
      fc.uniqueArray(written, { maxLength: 6, selector: ({ terms }) => JSON.stringify(terms) }),
      known,
      fc.infiniteStream(fc.nat()),
      (all, facts, random) => {
        const rules = all.map(({ terms, ...kept }) => ({ ...kept, query: terms.map(([field, of]) => `${field}:${of}`).join(' ') }));
        const { groups, onBehalfOf, ...others } = facts;
        const has: Readonly<Record<string, readonly (string | null)[]>> = {
          ...Object.fromEntries(Object.entries(others).map(([field, of]) => [field, [of]])),
          group: groups,
          'on-behalf-of': [onBehalfOf],
        };
        const holding = rules.filter((_, i) => all[i]?.terms.every(([field, of]) => has[field]?.includes(of)));
        const numberOf = (query: string): number => 2 + rules.findIndex((each) => each.query === query);
        const keepingBy = (ordered: readonly RetentionRule[]) => new RetentionRules({ default: standard, rules: ordered }, numberOf).keepingOf(facts);
        const kept = keepingBy(rules);
        for (const slot of ['content', 'facts'] as const) {
          const longest = Math.max(...holding.map((each) => length(each[slot])));
          assert.equal(length(kept[slot].days), holding.length === 0 ? length(standard[slot]) : longest);
          assert.equal(kept[slot].class === 1, holding.length === 0);
          assert.ok(holding.length === 0 || holding.some((each) => numberOf(each.query) === kept[slot].class));
        }
        const shuffled = rules.map((each) => ({ each, by: random.next().value })).toSorted((a, b) => a.by - b.by);
        assert.deepEqual(keepingBy(shuffled.map(({ each }) => each)), kept);
      },
    ),
    { numRuns: 500 },
  );
});
