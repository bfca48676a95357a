import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import { loadCedar } from './cedar-library.ts';
import { readPolicies } from './policy-set.ts';
import { printProblem } from './policy-text.ts';
import { ann, bot, source, vocabulary } from './testdata/questions.ts';
import type { PolicyTarget, Vocabulary } from './vocabulary.ts';

const cedar = loadCedar();
const permit = (condition: string, scope = 'principal, action, resource'): string => `permit (${scope}) when { ${condition} };`;

function conflicts(text: string, known: Vocabulary = vocabulary): readonly string[] {
  const { problems, conflicts: find } = readPolicies(cedar, [source(text)], known);
  assert.deepEqual(problems.map(printProblem), [], 'the policies could be put into force');
  return find().map(printProblem);
}

function finds(text: string, message: RegExp, known?: Vocabulary): void {
  const [first = '', ...more] = conflicts(text, known);
  assert.match(first, message);
  assert.deepEqual(more, []);
}

describe('T4.32: policy check finds', () => {
  test('conditions that contradict each other, with the place', () => {
    finds(
      `// one line\n${permit('context.hour > 24')}`,
      /^policies\/rules\.cedar:2:45: this policy can never apply: context\.hour is 0 to 23, .* Change the condition, or remove/,
    );
    for (const [condition, message] of [
      ['context.attended && !context.attended', /a condition and its opposite/],
      ['context.weekday == 0', /context\.weekday is 1 to 7/],
      ['[8, 9].contains(context.weekday)', /context\.weekday is 1 to 7/],
      ['context.hour >= 9 && context.hour < 9', /context\.hour is 0 to 23/],
      ['context.session.requests < 0', /no value of context\.session\.requests/],
      ['resource.zone == "inside" && resource.zone == "outside"', /no value of resource\.zone/],
      ['resource.zone == "inside" && resource.zone != "inside"', /no value of resource\.zone|opposite/],
      ['principal.kind == "robot"', /principal\.kind is "human" or "agent"/],
      ['(context.hour > 24 || context.weekday > 7) && context.attended', /can never apply/],
      ['!(context.hour < 24 || context.attended)', /context\.hour/],
    ] as const) {
      finds(permit(condition), message);
    }
    finds('forbid (principal, action, resource) unless { context.hour < 24 };', /context\.hour is 0 to 23/);
    finds(permit('principal == Principal::"ann"', 'principal == Principal::"bot", action, resource'), /principal is not as it says/);
  });

  test('classes and values of which no target is inspected', () => {
    const warned = (condition: string, inspect: readonly string[] = [], more: Partial<PolicyTarget> = {}): readonly string[] => {
      const targets = vocabulary.targets.map((target) => ({ ...target, ...(target.name === 'orders' ? { inspect, ...more } : {}) }));
      const { problems, warnings } = readPolicies(cedar, [source(`forbid (principal, action, resource) when { ${condition} };`)], { ...vocabulary, targets });
      assert.deepEqual(problems.map(printProblem), []);
      return warnings().map(printProblem);
    };
    const rows = [
      ['context.carries.contains("email")', [], /:1:45: context\.carries is always empty, because no target is inspected/],
      ['context.session.classes.isEmpty()', [], /context\.session\.classes is always empty/],
      ['context.carries.contains("email")', ['card'], /context\.carries never has "email": no target is inspected for it/],
      ['context.session.classes.containsAny(["card", "email"])', ['card'], /context\.session\.classes never has "email"/],
      ['context.carries.contains("emial")', ['email'], /context\.carries never has "emial": there is no such class: is "email" meant\?/],
      ['context.carries.contains("mail/crm.t.c")', ['email'], /never has "mail\/crm\.t\.c": no target is inspected for it/],
      ['context.carries.contains("malls/crm.t.c")', ['email'], /never has "malls\/crm\.t\.c": a source is .*, and there is no such target/],
      [
        'context.carries.contains("orders:/people/mail")',
        ['email'],
        /never has "orders:\/people\/mail": a source at orders is TARGET\/SCHEMA\.TABLE\.COLUMN$/m,
      ],
      ['context.carries.contains("orders/people.mail")', ['email'], /a source at orders is TARGET\/SCHEMA\.TABLE\.COLUMN$/m],
      ['context.classes.contains("card")', ['email'], /context\.classes never has "card"/],
    ] as const;
    for (const [condition, inspect, message] of rows) {
      assert.match(warned(condition, inspect).join('\n'), message);
    }
    const web = { protocol: 'web' };
    assert.match(warned('context.carries.contains("orders:/0/mail")', ['email'], web).join('\n'), /a source at orders is .*, with \* for any index$/m);
    assert.deepEqual(warned('context.carries.contains("orders:/people/*/mail")', ['card'], web), []);
    const places = { seenPlaces: ['orders/public.people.*', 'orders/public.*.card'] };
    assert.match(
      warned('context.carries.contains("orders/public.customers.email")', ['card'], places).join('\n'),
      /:1:\d+: context\.carries never has "orders\/public\.customers\.email": orders is inspected for card, and this is a place of none of them$/m,
    );
    assert.deepEqual(warned('context.carries.containsAny(["orders", "orders/*", "orders/public.people.mail", "orders/public.x.card"])', ['card'], places), []);
    for (const condition of [
      'context.carries.contains("card")',
      'context.carries.containsAny(["orders", "orders/public.people.mail"])',
      'context.session.classes.contains("unknown") && context.session.classes.contains("card")',
      'context.classes.contains("card")',
    ]) {
      assert.deepEqual(warned(condition, ['card']), [], condition);
    }
  });

  test('and nothing in conditions that some request satisfies', () => {
    for (const condition of [
      'context.hour > 22 || context.hour > 30',
      'context.hour >= 9 && context.hour < 10',
      '!context.attended || context.attended',
      'resource.zone == "inside" || resource.zone == "outside"',
      'principal in Group::"agents" && principal in Group::"dba"',
      '[1, 7].contains(context.weekday) && context.weekday != 1',
      'if context.attended then context.hour > 3 else false',
      'context.session.denials * 2 > 3',
      'resource == Target::"orders" || resource == Target::"mail"',
    ]) {
      assert.deepEqual(conflicts(permit(condition)), [], condition);
    }
  });

  test('ids of principals that are mistyped, and agents that may approve, as a note', () => {
    finds('permit (principal == Principal::"bott", action, resource);', /:1:\d+: no principal has the id "bott": is bot meant\?/);
    const notes = (text: string): readonly string[] =>
      readPolicies(cedar, [source(text)], vocabulary)
        .warnings()
        .map(printProblem);
    assert.match(notes('permit (principal == Principal::"somebody-else", action, resource);').join('\n'), /no principal has the id "somebody-else"$/);
    assert.deepEqual(notes('@approval("dba") forbid (principal, action, resource);'), []);
    assert.match(
      notes('@approval("dba,agents") forbid (principal, action, resource);').join('\n'),
      /:1:1: bot of the group "agents" is an agent, and may approve as people do$/,
    );
  });

  test('texts that are none of the values of a fact, or have not its form', () => {
    for (const [condition, message] of [
      ['context.effects.contains("delete")', /:1:\d+: context\.effects is never "delete": there is "read", "write", .*"unknown"/],
      ['context.effects.containsAny(["write", "drop"])', /never "drop"/],
      ['!["read", "writes"].containsAll(context.effects)', /never "writes": is "write" meant\?/],
      ['resource.protocol == "sqll"', /resource\.protocol is never "sqll": is "sql" meant\?/],
      ['context.session.targets.contains("mial")', /is "mail" meant/],
    ] as const) {
      finds(permit(condition), message);
    }
    const sql = 'principal, action in Action::"sql", resource';
    finds(permit('context.statements.containsAny(["insert", "DELETE"])', sql), /context\.statements is never "DELETE": is "delete" meant\?/);
    finds(permit('context.hasWhere || context.statements.contains("dleete")', sql), /is "delete" meant/);
    const notes = (condition: string): readonly string[] =>
      readPolicies(cedar, [source(permit(condition, sql))], vocabulary)
        .warnings()
        .map(printProblem);
    assert.match(
      notes('context.tables.contains("orders")').join('\n'),
      /:1:\d+: context\.tables has names as SCHEMA\.TABLE, and "orders" is none: name all of its parts$/,
    );
    assert.match(notes('context.session.tables.contains("public.payroll")').join('\n'), /names as TARGET\/SCHEMA\.TABLE/);
    assert.deepEqual(notes('context.tables.contains("public.orders") && context.session.tables.contains("orders/public.payroll")'), []);
  });

  test('tags that no target has, and actions that the target does not have', () => {
    finds(permit('resource.zone == "outsid"'), /:1:\d+: this policy can never apply: no target has the tag zone: outsid: is outside meant\?/);
    finds(permit('resource.environment == "staging"', 'principal, action in Action::"sql", resource'), /there is "production"/);
    finds(permit('resource.environment == "production"', 'principal, action == Action::"web.request", resource'), /no target is as its conditions say/);
    finds(
      'permit (principal, action == Action::"web.request", resource == Target::"orders");',
      /orders is a target of sql, whose actions are sql\.connect, .*sql\.query/,
    );
    finds('permit (principal, action in [Action::"web"], resource in Target::"orders");', /orders is a target of sql/);
  });

  test('what a forbid overrules, whatever it permits or holds', () => {
    const all = '@id("none") forbid (principal, action, resource);';
    finds(`${all} permit (principal in Group::"agents", action, resource);`, /this permit never allows anything, because rules\.cedar:none forbids all of it/);
    finds(`${all} @approval("dba") forbid (principal in Group::"agents", action, resource);`, /nobody is ever asked, because rules\.cedar:none denies all/);
    const some = '@id("some") forbid (principal in Group::"agents", action in Action::"sql", resource) when { context.hour > 20 };';
    const inside = 'permit (principal == Principal::"bot", action in [Action::"sql.query", Action::"sql.copy"], resource == Target::"orders")';
    finds(`${some} ${inside} when { context.attended && context.hour > 20 };`, /because rules\.cedar:some forbids/);
    for (const free of [
      `${some} ${inside} when { context.attended };`,
      `${some} permit (principal, action in Action::"sql", resource) when { context.hour > 20 };`,
      `${some} permit (principal in Group::"agents", action, resource) when { context.hour > 20 };`,
      `@mode("observe") ${all} permit (principal, action, resource);`,
      `@approval("dba") ${all} permit (principal, action, resource);`,
      `forbid (principal, action, resource == Target::"orders"); permit (principal, action, resource);`,
    ]) {
      assert.deepEqual(conflicts(free), [], free);
    }
  });

  test('what a built-in forbid overrules, and what another does by facts that follow from who asks and where', () => {
    const builtIn = {
      ...source(
        '@id("unknown") forbid (principal, action in Action::"sql", resource) when { principal.kind == "agent" && context.effects.contains("unknown") };',
      ),
      file: 'built-in.cedar',
      isBuiltIn: true,
    } as const;
    const beside = (text: string): readonly string[] =>
      readPolicies(cedar, [builtIn, source(text)], vocabulary)
        .conflicts()
        .map(printProblem);
    const [found = '', ...more] = beside(
      `permit (principal in Group::"agents", action in Action::"sql", resource) when { context.effects.contains("unknown") };`,
    );
    assert.match(
      found,
      /rules\.cedar:1:1: this permit never allows anything, because built-in\.cedar:unknown forbids all of it: it is built in, .* a file built-in\.cedar of your own takes its place$/,
    );
    assert.deepEqual(more, []);
    assert.equal(
      beside('@approval("dba") forbid (principal == Principal::"bot", action == Action::"sql.query", resource) when { context.effects.contains("unknown") };')
        .length,
      1,
    );
    for (const free of [
      'permit (principal == Principal::"ann", action in Action::"sql", resource) when { context.effects.contains("unknown") };',
      'permit (principal, action in Action::"sql", resource) when { context.effects.contains("unknown") };',
      'permit (principal in Group::"agents", action in Action::"sql", resource);',
      'permit (principal in Group::"agents", action, resource) when { context.effects.contains("unknown") };',
    ]) {
      assert.deepEqual(beside(free), [], free);
    }
    const outside = 'forbid (principal, action, resource) when { resource.zone == "outside" && context.hour >= 8 };';
    finds(`${outside} permit (principal, action in Action::"web", resource == Target::"mail") when { context.hour > 9 };`, /never allows anything/);
    assert.deepEqual(conflicts(`${outside} permit (principal, action, resource == Target::"mail") when { context.hour > 6 };`), []);
    assert.deepEqual(conflicts(`${outside} permit (principal, action, resource) when { context.hour > 9 };`), []);
  });

  test('permits that change nothing beside the grants, and grants of which a forbid leaves nothing, as notes', () => {
    const notes = (text: string): readonly string[] =>
      readPolicies(cedar, [source(text)], vocabulary)
        .warnings()
        .map(printProblem);
    const reading = 'permit (principal in Group::"agents", action in Action::"sql", resource == Target::"orders") when { context.effects == ["read"] };';
    assert.deepEqual(notes(`@id("x")\n${reading}`), [
      'policies/rules.cedar:2:1: this permit changes nothing, because the configuration grants orders to bot, whatever this permit says: remove the grant, or say in a forbid what is not allowed',
    ]);
    assert.match(notes(`@record("facts") ${reading}`).join('\n'), /:1:18: @record\("facts"\) has no effect, because the configuration grants orders to bot/);
    for (const other of ['@limit("requests 5 per 1h")', '@mode("observe")', '@alert("high")']) {
      assert.deepEqual(notes(`${other} ${reading}`), [], other);
    }
    assert.deepEqual(notes('permit (principal == Principal::"ann", action, resource);'), [], 'ann is not granted mail');
    assert.deepEqual(notes('permit (principal, action, resource == Target::"orders");'), [], 'for everybody');
    assert.deepEqual(notes('forbid (principal, action in Action::"sql", resource) when { principal.kind == "human" };'), [
      'policies/rules.cedar:1:1: this forbid denies all that the configuration grants to ann (orders)',
    ]);
    assert.match(notes('forbid (principal in Group::"agents", action, resource);').join('\n'), /grants to bot \(orders, mail\)$/);
    for (const some of [
      'action == Action::"sql.query", resource);',
      'action, resource) when { context.hour > 3 };',
      'action, resource) when { resource.zone == "x" };',
    ]) {
      assert.deepEqual(notes(`forbid (principal, ${some}`), [], some);
    }
    assert.deepEqual(notes('@approval("dba") forbid (principal in Group::"agents", action, resource);'), []);
    assert.deepEqual(notes('@mode("observe") forbid (principal, action, resource);'), []);
  });

  test('approvals that nobody could give, and limits that never count', () => {
    const held = (groups: string, principal = 'principal'): string => `@approval("${groups}") forbid (${principal}, action, resource);`;
    finds(held('dbas'), /nobody is in the group "dbas", so only the operator could approve: is dba meant\?/);
    finds(held('security'), /give a principal groups: \[security\]/);
    finds(held('dba', 'principal == Principal::"ann"'), /nobody could approve: ann may not approve what they ask themselves/);
    finds(held('dba,agents', 'principal in Group::"agents"'), /nobody could approve: bot .* 2 other people/);
    const more = { ...vocabulary, principals: [bot, ann, { ...ann, id: 'eve', groups: ['dba', 'agents'] }] };
    assert.deepEqual(conflicts(held('dba', 'principal == Principal::"ann"'), more), []);
    assert.deepEqual(conflicts(held('dba,agents', 'principal == Principal::"bot"'), more), []);
    assert.deepEqual(conflicts(held('dba')), [], 'requests of others can be approved');
    finds('@limit("requests 5 per 1h") forbid (principal, action, resource);', /@limit never counts here, .* put it on a permit/);
  });

  test('nothing of groups and principals of issuers, whose members the configuration does not know', () => {
    const open = { ...vocabulary, issued: { issuers: ['corp'], groups: ['security', 'agents'] } };
    for (const text of [
      '@approval("security") forbid (principal, action, resource);',
      '@approval("security") forbid (principal == Principal::"ann", action, resource);',
      'permit (principal in Group::"agents", action, resource) when { principal.kind == "human" };',
      'permit (principal in Group::"agents", action == Action::"sql.query", resource == Target::"orders");',
      'permit (principal == Principal::"corp/ann@corp.example", action, resource) when { principal.kind == "agent" };',
    ]) {
      const { problems, conflicts: find, warnings } = readPolicies(cedar, [source(text)], open);
      assert.deepEqual([...problems, ...find(), ...warnings()].map(printProblem), [], text);
    }
    finds('@approval("security") @breakglass("oncall") forbid (principal, action, resource);', /nobody is in the group "oncall", so nobody could break/, open);
    finds('@approval("scurity") forbid (principal, action, resource);', /nobody is in the group "scurity"/, open);
  });

  test('permits of actions at targets to which nobody may connect, as notes', () => {
    const notes = (text: string): readonly string[] =>
      readPolicies(cedar, [source(text)], vocabulary)
        .warnings()
        .map(printProblem);
    const web = 'permit (principal == Principal::"ann", action == Action::"web.request", resource == Target::"mail");';
    assert.deepEqual(notes(`@id("x")\n${web}`), [
      'policies/rules.cedar:2:1: permits web.request at mail, but nobody may web.connect there, which comes before any request: ' +
        'add Action::"web.connect" to its actions, or permit all of them by action in Action::"web"',
    ]);
    for (const connects of ['action == Action::"web.connect", resource', 'action in Action::"web", resource == Target::"mail"', 'action, resource']) {
      assert.deepEqual(notes(`${web} permit (principal in Group::"dba", ${connects});`), [], connects);
    }
    assert.equal(notes(`${web} permit (principal, action, resource) when { resource.zone == "inside" };`).length, 1);
    assert.deepEqual(notes(web.replace('== Principal::"ann"', '')), [], 'bot is granted mail');
    assert.doesNotMatch(notes(web.replace('ann', 'bot')).join('\n'), /connect/);
  });
});
