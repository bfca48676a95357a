import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Decision, Verdict } from '../domain/decision.ts';
import { GatewayError } from '../domain/errors.ts';
import { LiveHistory } from '../domain/session-history.ts';
import { isMask, masks, methodsOf, type ClassMethods } from './mask-text.ts';
import { cedarPolicy } from './cedar-policy.ts';
import { grantPolicy } from './grants.ts';
import type { PolicyEngine, Question } from './policy.ts';
import { ann, asked, bot, mail, source, vocabulary } from './testdata/questions.ts';

function policy(...texts: readonly string[]): PolicyEngine {
  const sources = texts.map((text, i) => source(text, `${i === 0 ? 'rules' : `rules${i + 1}`}.cedar`));
  return cedarPolicy(grantPolicy([bot, ann]), sources, vocabulary);
}

function decide(text: string, question: Question = asked()): Decision {
  return policy(text).decide(question);
}

/** The lines of the error for policies that are refused. */
function faults(...texts: readonly string[]): string[] {
  try {
    policy(...texts);
  } catch (error) {
    assert.ok(error instanceof GatewayError && error.code === 'config_invalid', String(error));
    return error.message.split('\n');
  }
  return assert.fail('the policies were accepted');
}

const noWhere = `// A comment; with "a quote
@id("no-where")
@reason("Say which rows.")
forbid (principal in Group::"agents", action == Action::"sql.query", resource == Target::"orders")
when { context.statements.containsAny(["delete", "update"]) && !context.hasWhere };`;

describe('what a set of policies decides', () => {
  test('policies about requests and policies about recordings never take the place of one another', () => {
    const requests = ['write', 'destroy', 'read', 'admin'];
    const rules = requests.map(
      (effect, i) =>
        `@id("${effect}") forbid (principal, action${i % 2 === 0 ? ' == Action::"sql.query"' : ''}, resource) when { context.effects.contains("${effect}") };`,
    );
    const engine = policy(`${rules.join('\n')}
@id("all") permit (principal in Group::"dba", action in Action::"recording", resource);
@id("own") forbid (principal in Group::"agents", action in Action::"recording", resource) when { context.own };`);
    const recordings = (principal: typeof bot): readonly string[] =>
      engine.recordingRules?.({ asker: asked({ principal }).asker, timeMs: 1 }).rules.flatMap(({ policies }) => policies) ?? assert.fail();
    for (const [i, effect] of requests.entries()) {
      const decided = engine.decide(asked({ effects: [effect] }));
      assert.deepEqual([decided.verdict, decided.policies], ['deny', [`rules.cedar:${effect}`]]);
      const who = i % 2 === 0 ? ann : bot;
      assert.deepEqual([...new Set(recordings({ ...who, id: `${who.id}${i}` }))], [`rules.cedar:${who === ann ? 'all' : 'own'}`]);
    }
  });

  test('without a policy that applies, the grants decide', () => {
    const granted = decide(noWhere);
    assert.deepEqual([granted.verdict, granted.policies], ['allow', ['grant:bot:orders']]);
    const denied = decide(noWhere, asked({ principal: ann, target: mail, action: 'web.request' }));
    assert.deepEqual([denied.verdict, denied.policies, denied.reason], ['deny', [], 'ann was not granted mail: no permit allows web.request there']);
  });

  test('a forbid denies, with its reason and its id', () => {
    const denied = decide(noWhere, asked({ attributes: { 'test.statements': ['delete'], 'test.has_where': false } }));
    assert.deepEqual([denied.verdict, denied.policies, denied.reason], ['deny', ['rules.cedar:no-where'], 'Say which rows.']);
    assert.equal(decide(noWhere, asked({ attributes: { 'test.statements': ['delete'], 'test.has_where': true } })).verdict, 'allow');
    assert.equal(decide(noWhere, asked({ principal: ann, attributes: { 'test.statements': ['delete'], 'test.has_where': false } })).verdict, 'allow');
  });

  test('a permit of a file is as good as a grant, and both are named', () => {
    const text = 'permit (principal, action in Action::"web", resource == Target::"mail") when { context.method == "GET" };';
    const get = asked({ principal: ann, target: mail, action: 'web.request', attributes: { 'http.request.method': 'GET' } });
    assert.deepEqual([decide(text, get).verdict, decide(text, get).policies], ['allow', ['rules.cedar:1']]);
    const bots = decide(text, asked({ target: mail, action: 'web.request', attributes: { 'http.request.method': 'GET' } }));
    assert.deepEqual(bots.policies, ['grant:bot:mail', 'rules.cedar:1']);
  });

  test('forbids that all name who approves hold, for all their groups; one that does not denies; without a permit it is denied', () => {
    const held = '@approval("dba") forbid (principal, action, resource) when { context.effects.contains("write") };';
    const writing = asked({ effects: ['write'] });
    const { verdict, obligations, policies } = decide(held, writing);
    assert.deepEqual([verdict, obligations], ['hold', [{ kind: 'approval', parameters: { groups: 'dba' } }]]);
    assert.deepEqual(policies, ['rules.cedar:1', 'grant:bot:orders']);
    const both = decide(`${held}@approval("security, legal") forbid (principal, action, resource);`, writing);
    assert.equal(both.obligations[0]?.parameters['groups'], 'dba,legal,security');
    assert.equal(decide(`${held}forbid (principal, action, resource);`, writing).verdict, 'deny');
    assert.equal(decide(held, asked({ principal: ann, target: mail, action: 'web.request', effects: ['write'] })).verdict, 'deny');
  });

  test('one rule speaks of tags, of effects and of what the session did, over all protocols', () => {
    const text = `@reason("This run has read the payroll.")
      forbid (principal, action, resource)
      when { resource.zone == "outside" && context.effects.contains("write") && context.session.tables.contains("orders/public.payroll") };`;
    const engine = policy(text);
    const tables = new Set<string>();
    const sending = (effects: readonly string[]): Question => asked({ target: mail, action: 'web.request', effects, history: { tables } });
    assert.equal(engine.decide(sending(['write'])).verdict, 'allow');
    tables.add('orders/public.payroll');
    assert.equal(engine.decide(sending(['write'])).verdict, 'deny');
    assert.equal(engine.decide(sending(['read'])).verdict, 'allow');
    assert.equal(engine.decide(asked({ effects: ['write'], history: { tables } })).verdict, 'allow', 'orders is inside');
  });

  test('E55: tables past the limit of what is remembered hide nothing from a policy about tables', () => {
    const history = new LiveHistory();
    const use = (from: number, count: number): void => {
      history.allowed('orders', { 'countersign.tables': Array.from({ length: count }, (_, i) => `public.t${from + i}`) });
    };
    const engine = policy('forbid (principal, action, resource) when { context.session.tables.contains("orders/public.payroll") };');
    use(0, 10_000);
    assert.equal(engine.decide(asked({ history })).verdict, 'allow');
    history.allowed('orders', { 'countersign.tables': ['public.payroll'] });
    assert.equal(engine.decide(asked({ history })).verdict, 'deny');
    assert.equal(decide(noWhere, asked({ history })).verdict, 'allow', 'no policy of this set asks for tables');
  });

  test('counts of the session, the hour, the day, the address and who is there are known', () => {
    const denies = (condition: string, question: Question): boolean =>
      decide(`forbid (principal, action, resource) when { ${condition} };`, question).verdict === 'deny';
    assert.ok(denies('context.session.requests >= 5', asked({ history: { requests: 5 } })));
    assert.ok(!denies('context.session.requests >= 5', asked({ history: { requests: 4 } })));
    const saturday = asked({ timeMs: Date.UTC(2026, 10, 28, 23, 59) });
    assert.ok(denies('context.weekday == 6 && context.hour == 23', saturday));
    assert.ok(denies('context.clientAddress.isInRange(ip("10.0.0.0/8"))', asked({ address: '10.1.2.3' })));
    assert.ok(!denies('context.clientAddress.isInRange(ip("10.0.0.0/8"))', asked({ address: '::1' })));
    assert.ok(denies('context.attended', asked({ principal: ann })) && !denies('context.attended', asked()));
    assert.ok(denies('!context.inRun', asked()) && !denies('!context.inRun', asked({ run: '0'.repeat(32) })));
    assert.ok(denies('principal.kind == "human" && principal.groups.contains("dba")', asked({ principal: ann })));
  });

  test('what is kept of a decision does not outlast what it depends on', () => {
    const engine = policy('forbid (principal, action, resource) when { context.hour >= 22 || context.session.rows > 10 };');
    const [{ action }, day, night] = [asked(), Date.UTC(2026, 0, 1, 12), Date.UTC(2026, 0, 1, 23)];
    const verdict = (timeMs: number, rows: number): Verdict => engine.decide({ ...asked({ timeMs, history: { rows } }), action }).verdict;
    assert.deepEqual([verdict(day, 0), verdict(night, 0), verdict(day, 0), verdict(day, 11)], ['allow', 'deny', 'allow', 'deny']);
  });

  test('the same question gets the very same decision, so that it is printed once', () => {
    const engine = policy(noWhere);
    const question = asked();
    assert.equal(engine.decide(question), engine.decide({ ...question, timeMs: 5 }));
  });

  test('facts of any length are told apart', () => {
    const engine = policy('forbid (principal, action == Action::"sql.query", resource) when { context.statements.contains("drop") };');
    const statements = Array.from({ length: 100_000 }, (_, i) => `s${i}`);
    const verdict = (last: string): Verdict => engine.decide(asked({ attributes: { 'test.statements': [...statements, last] } })).verdict;
    assert.deepEqual([verdict('select'), verdict('drop'), verdict('select')], ['allow', 'deny', 'allow']);
  });

  test('an action of no catalogue is decided like any other, as unknown', () => {
    assert.equal(decide('forbid (principal, action == Action::"web.unknown", resource);', asked({ target: mail, action: 'strange' })).verdict, 'deny');
    assert.equal(decide('forbid (principal, action == Action::"web.connect", resource);', asked({ target: mail, action: 'strange' })).verdict, 'allow');
  });

  test('a run reaches only the targets that it was given, whatever policies permit', () => {
    const text = 'permit (principal, action, resource);';
    assert.equal(decide(text, asked({ within: ['mail'] })).verdict, 'deny');
    assert.equal(decide(text, asked({ within: ['orders'] })).verdict, 'allow');
  });

  test('E54: a condition that fails denies, and names the policy', () => {
    const text = '@id("sum") forbid (principal, action, resource) when { context.session.rows + 9223372036854775807 > 0 };';
    const denied = decide(text, asked({ history: { rows: 1 } }));
    assert.deepEqual([denied.verdict, denied.policies], ['deny', ['rules.cedar:sum']]);
    assert.match(denied.reason, /failed on this request/);
    const permits = text.replace('forbid', 'permit');
    assert.equal(decide(permits, asked({ history: { rows: 1 } })).verdict, 'deny', 'a permit that fails denies too');
  });

  test('any texts of a request can be decided on', () => {
    const engine = policy('forbid (principal, action in Action::"sql", resource) when { context.statements.contains("x") };');
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' })), (statements) => {
        const verdict = statements.includes('x') ? 'deny' : 'allow';
        assert.equal(engine.decide(asked({ attributes: { 'test.statements': statements } })).verdict, verdict);
      }),
    );
    assert.equal(engine.decide(asked({ attributes: { 'test.statements': ['\ud800', 'x'] } })).verdict, 'deny');
  });

  test('a policy or a target that is observed is decided and not enforced', () => {
    const observed = decide(
      `@mode("observe") ${noWhere.split('\n').slice(1).join('\n')}`,
      asked({ attributes: { 'test.statements': ['delete'], 'test.has_where': false } }),
    );
    assert.deepEqual([observed.verdict, observed.observed?.verdict, observed.observed?.policies], ['allow', 'deny', ['rules.cedar:no-where']]);
    const target = { ...asked().target, mode: 'observe' } as const;
    const at = decide('forbid (principal, action, resource);', asked({ target }));
    assert.deepEqual([at.verdict, at.observed?.verdict], ['allow', 'deny']);
  });

  test('T4.20: the same facts are decided for each who asks, on whose behalf, of what and for what', () => {
    const attributes = { 'test.statements': ['select'] };
    const rules = policy(`forbid (principal == Principal::"ann", action, resource == Target::"orders");
      forbid (principal, action == Action::"sql.copy", resource); forbid (principal, action, resource) when { principal.onBehalfOf == "ann" };`);
    const usual = asked({ attributes });
    const questions = [
      usual,
      asked({ attributes, principal: ann }),
      asked({ attributes, action: 'sql.copy' }),
      { ...usual, asker: { ...usual.asker, onBehalfOf: 'ann' } },
      asked({ attributes, target: mail }),
      asked({ attributes, within: ['mail'] }),
    ];
    const expected = ['allow', 'deny', 'deny', 'deny', 'allow', 'deny'];
    for (const question of questions.flatMap((first) => questions.flatMap((second) => [first, second]))) {
      assert.equal(rules.decide({ ...question, action: { ...question.action, attributes } }).verdict, expected[questions.indexOf(question)]);
    }
  });

  test('B17: one principal with the token of other groups, or of another kind, is decided on anew', () => {
    const rules = policy('permit (principal in Group::"dba", action, resource); forbid (principal, action, resource) when { principal.kind == "agent" };');
    const person = { id: 'corp/ann@corp.example', kind: 'human', groups: ['dba'], targets: [] } as const;
    const expected = [
      [person, 'allow'],
      [{ ...person, groups: [] }, 'deny'],
      [{ ...person, kind: 'agent' }, 'deny'],
    ] as const;
    for (const [principal, verdict] of [...expected, ...expected.toReversed()]) {
      assert.equal(rules.decide(asked({ principal })).verdict, verdict);
    }
  });

  test('limits and alerts of all policies that apply add up', () => {
    const text = `@limit("rows 10000 per 1h") permit (principal, action in Action::"sql", resource);
      @alert("high") permit (principal, action, resource) when { context.effects.contains("read") };`;
    assert.deepEqual(decide(text).obligations, [
      { kind: 'limit', parameters: { what: 'rows', most: '10000', seconds: '3600', policy: 'rules.cedar:1' } },
      { kind: 'alert', parameters: { severity: 'high', policy: 'rules.cedar:2' } },
    ]);
  });
});

describe('what is recorded', () => {
  const unkept = '@id("private") @record("facts") permit (principal, action, resource);';
  const strange = { principal: ann, target: mail, action: 'web.request' };
  const kept = (text: string, question: Question = asked(strange)): string | undefined =>
    decide(text, question).obligations.find(({ kind }) => kind === 'record')?.parameters['policy'];

  test('facts alone, where no permit that applies says more: a grant of the configuration does', () => {
    assert.deepEqual(decide(unkept, asked(strange)).obligations, [{ kind: 'record', parameters: { keep: 'facts', policy: 'rules.cedar:private' } }]);
    assert.equal(kept(unkept, asked()), undefined);
    assert.equal(kept(`${unkept} permit (principal, action, resource);`), undefined);
    assert.equal(
      kept(`${unkept} @record("content") permit (principal, action in Action::"web", resource) when { context.method == "GET" };`),
      'rules.cedar:private',
    );
    assert.equal(kept(`${unkept} @id("other") @record("facts") permit (principal, action, resource);`), 'rules.cedar:other,rules.cedar:private');
    assert.equal(kept(`@record("content") permit (principal, action, resource);`), undefined);
  });

  test('a permit that is only observed changes nothing', () => {
    assert.equal(kept(`@mode("observe") ${unkept}`), undefined);
    assert.equal(kept(`${unkept} @mode("observe") permit (principal, action, resource);`), 'rules.cedar:private');
  });

  test('facts alone also of what is held or denied, and of what a policy fails on', () => {
    const outcome = (text: string, question = asked(strange)): readonly (string | undefined)[] => [decide(text, question).verdict, kept(text, question)];
    assert.deepEqual(outcome(`${unkept} forbid (principal, action, resource);`), ['deny', 'rules.cedar:private']);
    assert.deepEqual(outcome(`${unkept} @approval("dba") forbid (principal, action, resource);`), ['hold', 'rules.cedar:private']);
    const fails = 'when { context.session.rows + 9223372036854775807 > 0 };';
    const question = asked({ ...strange, history: { rows: 2 } });
    assert.deepEqual(outcome(`${unkept} forbid (principal, action, resource) ${fails}`, question), ['deny', 'rules.cedar:private']);
    assert.deepEqual(outcome(unkept.replace(';', ` ${fails}`), question), ['deny', 'rules.cedar:private']);
    assert.deepEqual(outcome(`${unkept} permit (principal, action, resource) ${fails}`, question), ['deny', 'rules.cedar:private']);
  });

  test('facts alone where policy is not asked: beyond the targets of a run, with more tables than are remembered, and before it is known what the session did', () => {
    const text = `${unkept} forbid (principal, action, resource) when { context.session.tables.contains("x") };`;
    const engine = policy(text);
    const strangely = { ...strange, within: ['orders'] };
    assert.deepEqual(
      [asked(strangely), asked({ ...strange, history: { isCut: true } }), asked({ ...strange, history: { isPending: true } }), asked(strange)].map(
        (question) => {
          const { verdict, obligations } = engine.decide(question);
          return [verdict, obligations.map(({ parameters }) => parameters['policy'])];
        },
      ),
      [
        ['deny', ['rules.cedar:private']],
        ['deny', ['rules.cedar:private']],
        ['deny', ['rules.cedar:private']],
        ['allow', ['rules.cedar:private']],
      ],
    );
  });
});

test('a request is masked in the record whatever denies it: a forbid, no permit, a policy that fails, or what is not known of the session', () => {
  const masking = '@mask("card") @mask_request("email") permit (principal, action, resource)';
  const fails = 'when { context.session.rows + 9223372036854775807 > 0 };';
  const masked = (text: string, question: Question): readonly unknown[] => {
    const { verdict, obligations } = decide(text, question);
    return [verdict, obligations.map(({ kind, parameters }) => `${kind} ${parameters['classes']}`)];
  };
  const strange = { principal: ann, target: mail, action: 'web.request' };
  for (const [text, question] of [
    [`${masking}; forbid (principal, action, resource);`, asked()],
    [`${masking.replace('permit', '@approval("dba") forbid')};`, asked(strange)],
    [`${masking}; forbid (principal, action, resource) ${fails}`, asked({ history: { rows: 2 } })],
    [`${masking} ${fails}`, asked({ history: { rows: 2 } })],
    [`${masking}; forbid (principal, action, resource) when { context.session.rows > 9 };`, asked({ history: { isPending: true } })],
    [`${masking}; forbid (principal, action, resource) when { context.session.tables.contains("x") };`, asked({ history: { isCut: true } })],
    [`${masking};`, asked({ within: [] })],
  ] as const) {
    assert.deepEqual(masked(text, question), ['deny', ['mask_request email:redact']], text);
  }
});

describe('what is refused', () => {
  const refused = (text: string, message: string | RegExp): void => {
    const [first = ''] = faults(text);
    assert.ok(typeof message === 'string' ? first === message : message.test(first), first);
  };

  test('what is no policy, with its place', () => {
    refused('permit (principal, action, resource);\n\n  forbid (principal, action, resource) whn { true };', /^policies\/rules\.cedar:3:40: .*when/);
    refused(
      'permit (principal, action, resource)',
      'policies/rules.cedar:1:1: this policy has no end: a semicolon is missing, or a bracket or a string is not closed',
    );
    refused('permit (principal == ?principal, action, resource);', /template/);
  });

  test('what does not exist: actions, attributes, targets, with what was probably meant', () => {
    for (const [text, message] of [
      ['forbid (principal, action, resource)\nforbid (principal, action, resource);', /:2:\d+: .*is a semicolon missing before forbid/],
      ['forbid (principal, action, resource)\n@id("x") forbid (principal, action, resource);', /:2:1: .*is a semicolon missing/],
      ['forbid (principal, action, resource) when { context.attended and context.hour > 3 };', /write &&$/],
      ['forbid (principal, action, resource) when { context.attended or context.hour > 3 };', /write \|\|$/],
      ['forbid (principal, action, resource) when { not context.attended };', /write ! in place of not$/],
      ['forbid (principal == User::"ann", action, resource);', /unrecognized entity type User: is Principal meant\?/],
      ['forbid (principal, action, resource) when { resource.zonee == "inside" };', /no target has the tag zonee: is zone meant\?/],
      [
        'forbid (principal, action, resource) when { resource.stage == "x" };',
        /no target has the tag stage: give it to one in the configuration, tags: \{ stage: … \}$/,
      ],
      ['forbid (principal, action, resource) when { context.hasWhere };', /hasWhere is a fact of sql .*write action in Action::"sql"$/],
      [
        'forbid (principal, action in Action::"sql", resource) when { context.statments.contains("x") };',
        /no fact statments in Action::"sql": is statements meant\?/,
      ],
      ['forbid (principal, action, resource) when { context.session.requets > 3 };', /context\.session has no requets: is requests meant\?/],
      ['@limit("request 5 per 1h") permit (principal, action, resource);', /is "requests" meant\?$/],
    ] as const) {
      refused(text, message);
    }
    refused('forbid (principal, action == Action::"sql.qury", resource);', /^policies\/rules\.cedar:1:\d+: .*sql\.qury.*did you mean.*sql\.query/);
    refused(
      '// é\nforbid (principal, action, resource) when { "é" == "é" && context.efects.contains("write") };',
      /^policies\/rules\.cedar:2:\d+: .*no fact efects .*is effects meant/,
    );
    refused('forbid (principal, action, resource == Target::"order");', 'policies/rules.cedar:1:48: there is no target "order": is orders meant?');
    refused('forbid (principal, action, resource) when { resource.colour == "red" };', /colour/);
    refused('forbid (principal, action == Action::"web.request", resource) when { context.hasWhere };', /hasWhere/);
  });

  test('what can never apply', () => {
    refused(
      'permit (principal in Group::"agents", action, resource == Group::"x");',
      'policies/rules.cedar:1:1: this policy can never apply: no request is as it says',
    );
    refused('permit (principal, action, resource) when { false };', /can never apply/);
  });

  test('annotations that are unknown, malformed or out of place', () => {
    refused('@resaon("x") permit (principal, action, resource);', /@resaon is not known here/);
    refused('@mask("email:pseudonym") permit (principal, action, resource);', /@mask knows no method "pseudonym"/);
    refused('@mask_request("card:pseudonim") permit (principal, action, resource);', /@mask_request knows no method "pseudonim": is pseudonym meant/);
    refused('@id("a") @mask("emial") permit (principal, action, resource);', 'policies/rules.cedar:1:10: there is no class "emial": is email meant?');
    refused('@mask("pets") permit (principal, action, resource);', /there is no class "pets"; countersign class list prints/);
    refused('@mask("email:stars") permit (principal, action, resource);', /@mask knows no method "stars"; there are null, redact, replace, hash, last4/);
    refused('@mask("email:last5") permit (principal, action, resource);', /is last4 meant\?/);
    refused('@mask("email, card, email:hash") permit (principal, action, resource);', /@mask names email twice/);
    refused('@mask("email card") permit (principal, action, resource);', /@mask names classes with commas/);
    refused('@mask("") permit (principal, action, resource);', /@mask names classes with commas/);
    refused('@approval("dba") permit (principal, action, resource);', /belongs to a forbid/);
    refused('@breakglass("oncall") forbid (principal, action, resource);', /@breakglass belongs to a forbid with @approval/);
    refused('@approval("dba") @breakglass("a, b") forbid (principal, action, resource);', /@breakglass names one group/);
    refused(
      '@id("a")\n@record("facts") forbid (principal, action, resource);',
      /^policies\/rules\.cedar:2:1: @record belongs to a permit.*Write it on the permit$/,
    );
    refused(
      'permit (principal, action, resource);\n@id("b") @record("fact") permit (principal, action, resource);',
      'policies/rules.cedar:2:10: @record is "facts" or "content": is "facts" meant?',
    );
    refused('@record permit (principal, action, resource);', 'policies/rules.cedar:1:1: @record is "facts" or "content"');
    refused('@limit("rows 10 per hour") permit (principal, action, resource);', /@limit is/);
    refused('@limit("rows 0 per 1h") permit (principal, action, resource);', /@limit of 0 would deny everything: write a forbid/);
    refused('@alert("loud") forbid (principal, action, resource);', /@alert is one of/);
    refused('@id("a") permit (principal, action, resource); @id("a") forbid (principal, action, resource);', /two policies have the id rules\.cedar:a/);
  });

  test('E54: what would kill Cedar for good is not given to it', () => {
    const nested = (depth: number): string => `permit (principal, action, resource) when { ${'('.repeat(depth)}true${')'.repeat(depth)} };`;
    refused(nested(200), /nested 201 deep/);
    refused(`permit (principal, action, resource) when { true${' || context.attended'.repeat(400)} };`, /operators/);
    refused(`permit (principal, action, resource) when { context${'.a'.repeat(400)} };`, /operators/);
    refused(`permit (principal, action, resource) when { "${'x'.repeat(40_000)}" == "" };`, /at most 32768 bytes/);
    assert.equal(decide(nested(30)).verdict, 'allow');
    assert.equal(
      decide(
        `permit (principal, action, resource) when { ${'(true && '.repeat(31)}true${')'.repeat(31)}${' && context.hour < 25'.repeat(20)} };`,
        asked({ target: mail, action: 'web.request' }),
      ).verdict,
      'allow',
    );
  });

  test('any text is read or refused, and the library lives on', () => {
    const words = fc.constantFrom(
      'permit',
      'forbid',
      '(',
      ')',
      '{',
      '}',
      'principal',
      'action',
      'resource',
      ',',
      ';',
      'when',
      '"',
      '@id("a")',
      '==',
      'context',
      '.',
      '!',
      '-',
      '[',
      ']',
      '//',
      '\n',
      '?',
      'in',
      'é',
    );
    const text = fc.array(words, { maxLength: 60 }).map((chosen) => chosen.join(' '));
    fc.assert(
      // Several texts for one instance of the library: to load one takes longest.
      fc.property(fc.array(text, { minLength: 10, maxLength: 10 }), (texts) => {
        try {
          policy(...texts);
        } catch (error) {
          assert.ok(error instanceof GatewayError, String(error));
        }
      }),
      { numRuns: 10 },
    );
  });
});

describe('sets of policies', () => {
  const conditions = [
    'true',
    'context.effects.contains("write")',
    'context.session.requests > 3',
    'principal in Group::"agents"',
    'resource.zone == "outside"',
    'context.session.rows + 9223372036854775807 > 0',
  ];
  interface Rule {
    readonly effect: string;
    readonly group: string;
    readonly also: string;
    readonly condition: string;
  }
  const group = fc.constantFrom('', 'dba', 'security');
  const also = fc.constantFrom(
    '',
    '@alert("low") ',
    '@limit("requests 5 per 1h") ',
    '@limit("rows 9 per 2h") @alert("high") ',
    '@mask("email, card:last4") ',
    '@mask("email:hash, card:null") @mask_request("email:pseudonym") ',
    '@mask_request("email:hash") ',
  );
  const rule = fc.record({ effect: fc.constantFrom('permit', 'forbid'), group, also, condition: fc.constantFrom(...conditions) });
  const print = ({ effect, group: by, also: more, condition }: Rule): string =>
    `${more}${by !== '' && effect === 'forbid' ? `@approval("${by}") ` : ''}${effect} (principal, action, resource) when { ${condition} };`;
  const questions = [
    asked(),
    asked({ effects: ['write'], history: { requests: 9 } }),
    asked({ principal: ann, target: mail, action: 'web.request', effects: ['write'] }),
    asked({ target: mail, action: 'web.request', history: { rows: 2 } }),
  ];
  const strictness: Readonly<Record<Verdict, number>> = { allow: 0, hold: 1, deny: 2 };
  const decisions = (rules: readonly Rule[]): readonly Decision[] => {
    const engine = policy(rules.map(print).join('\n'));
    return questions.map((question) => engine.decide(question));
  };
  const strictnessOf = ({ verdict }: Decision): number => strictness[verdict];
  /** The obligations of a decision, each group of an approval by itself. Of a denial there are only alerts. */
  const obligationsOf = ({ obligations }: Decision, kinds: RegExp): readonly string[] =>
    obligations.flatMap(({ kind, parameters }) =>
      !kinds.test(kind)
        ? []
        : kind === 'approval'
          ? (parameters['groups']?.split(',') ?? [])
          : isMask(kind)
            ? atLeast(kind, methodsOf({ kind, parameters }))
            : [JSON.stringify([kind, parameters])],
    );
  /** Each class with its method, and with every method that is less strict. */
  const atLeast = (kind: string, methods: ClassMethods): readonly string[] =>
    [...methods].flatMap(([name, method]) => masks.mask_request.slice(masks.mask_request.indexOf(method)).map((each) => `${kind} ${name}:${each}`));
  /** The obligations of one decision that another has not. A denial has only alerts. */
  const removed = (before: readonly Decision[], after: readonly Decision[]): readonly string[] =>
    before.flatMap((decision, i) => {
      const other = after[i] ?? assert.fail();
      const kinds = decision.verdict === 'deny' || other.verdict === 'deny' ? /^alert$/ : /./;
      const kept = new Set(obligationsOf(other, kinds));
      return obligationsOf(decision, kinds).filter((each) => !kept.has(each));
    });

  test('to add a forbid never allows more, to add a permit never denies more, unless it fails, and neither removes what another policy asks for', () => {
    fc.assert(
      fc.property(
        fc.array(rule, { maxLength: 5 }),
        fc.record({ effect: fc.constant('forbid'), group, also, condition: fc.constantFrom(...conditions) }),
        fc.record({ effect: fc.constant('permit'), group, also, condition: fc.constantFrom(...conditions.slice(0, -1)) }),
        (rules, forbid, permit) => {
          const [before, stricter, laxer] = [decisions(rules), decisions([...rules, forbid]), decisions([...rules, permit])];
          const strict = before.map(strictnessOf);
          assert.ok(stricter.map(strictnessOf).every((each, i) => each >= (strict[i] ?? 0)));
          assert.ok(laxer.map(strictnessOf).every((each, i) => each <= (strict[i] ?? 2)));
          const isFailure = ({ reason }: Decision): boolean => reason.includes('failed on this request');
          const comparable = before.map((decision, i) => !isFailure(decision) && !isFailure(stricter[i] ?? decision));
          assert.deepEqual(
            removed(
              before.filter((_, i) => comparable[i]),
              stricter.filter((_, i) => comparable[i]),
            ),
            [],
          );
          assert.deepEqual(removed(before, laxer), []);
        },
      ),
      { numRuns: 12 },
    );
  });

  test('the version names the set: each text, each file, each grant', () => {
    const versions = [
      policy(noWhere),
      policy(`${noWhere} `),
      policy(noWhere, 'permit (principal, action, resource);'),
      policy(noWhere.replace('rows', 'row')),
    ].map(({ version }) => version);
    assert.equal(versions[0], versions[1]);
    assert.equal(new Set(versions).size, 3);
  });
});
