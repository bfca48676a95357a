import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import fc from 'fast-check';
import { actBeyond, allRights, mayDo, ruledRights, scopeOf } from '../access/rights.ts';
import { actNames, actsOnAll, type Act } from '../domain/recording-acts.ts';
import { ownAttributes } from '../domain/own-attributes.ts';
import { cedarPolicy } from '../policy/cedar-policy.ts';
import { loadCedar } from '../policy/cedar-library.ts';
import { grantPolicy } from '../policy/grants.ts';
import type { PolicyEngine } from '../policy/policy.ts';
import { readPolicies } from '../policy/policy-set.ts';
import { ann, asked, bot, source, vocabulary } from '../policy/testdata/questions.ts';
import { matches, type Facts } from '../query/matches.ts';
import { isEverything } from '../query/query.ts';

const timeMs = Date.UTC(2026, 10, 30, 12, 0, 30);

function engineOf(text: string): PolicyEngine {
  return cedarPolicy(grantPolicy([]), [source(text)], vocabulary);
}

function askedBy(principal = bot, at = timeMs) {
  return { asker: { principal, onBehalfOf: null, run: null, address: '127.0.0.1' }, timeMs: at };
}

/** Returns the queries of what a principal that has all rights by roles, or none, may do under policies. */
function scopes(engine: PolicyEngine, { principal = bot, hasRoles = true, at = timeMs } = {}) {
  const rules = engine.recordingRules?.(askedBy(principal, at)) ?? assert.fail();
  const rights = ruledRights(hasRoles ? allRights : [], rules, principal.id);
  return { rules, rights, scope: (act: Act) => scopeOf(rights, act) };
}

interface Kind {
  readonly target: string | null;
  readonly classes: readonly string[];
  readonly own: boolean;
}

function factsOf({ target, classes, own }: Kind, field: 'class' | typeof ownAttributes.carries = 'class'): Facts {
  const values = { kind: ['request'], principal: [own ? 'bot' : 'eve'], [field]: classes, ...(target === null ? {} : { target: [target] }) };
  return { timeMs, values: new Map(Object.entries(values)), words: [] };
}

const policy = fc
  .record({
    effect: fc.constantFrom('permit', 'forbid'),
    principal: fc.constantFrom('principal', 'principal in Group::"agents"', 'principal in Group::"dba"', 'principal == Principal::"bot"'),
    action: fc.constantFrom(
      'action in Action::"recording"',
      'action == Action::"recording.search"',
      'action in [Action::"recording.content", Action::"recording.facts"]',
    ),
    resource: fc.constantFrom(
      'resource',
      'resource is Target',
      'resource is Gateway',
      'resource == Target::"orders"',
      'resource == Target::"former"',
      'resource == Class::"email"',
      'resource == Class::"former"',
    ),
    condition: fc.constantFrom(
      '',
      'when { context.own }',
      'unless { context.own }',
      'unless { resource == Target::"mail" }',
      'unless { resource == Class::"card" }',
    ),
    sparesOneAct: fc.boolean(),
    onTarget: fc.constantFrom('', 'when { resource.zone == "outside" }', 'unless { resource.protocol == "sql" }'),
  })
  .map(({ effect, principal, action, resource, condition, onTarget, sparesOneAct }) => {
    const [type] = /Target|Class|Gateway/.exec(resource) ?? [''];
    // The gateway refuses permits that name classes, and conditions that can never hold.
    const isForbid = effect === 'forbid' || (type !== 'Class' && !condition.includes('Class'));
    const when = type === 'Target' ? onTarget : type === '' || condition.includes('own') ? condition : '';
    const byAction = sparesOneAct && action.endsWith('"recording"') ? 'unless { action == Action::"recording.list" }' : '';
    return `${isForbid ? effect : 'forbid'} (${principal}, ${action}, ${resource}) ${when} ${byAction};`;
  });
const kind = fc.record<Kind>({
  target: fc.constantFrom('orders', 'mail', 'former', 'unheard', null),
  classes: fc.subarray(['email', 'card', 'former']),
  own: fc.boolean(),
});

test('the query of an act holds for just those records about which policies decide so', () => {
  let compared = 0;
  fc.assert(
    fc.property(fc.array(policy, { minLength: 1, maxLength: 5 }), fc.array(kind, { minLength: 1, maxLength: 8 }), fc.boolean(), (texts, kinds, hasRoles) => {
      const engine = engineOf(texts.join('\n'));
      const { rights, scope } = scopes(engine, { hasRoles });
      for (const act of actNames) {
        for (const { target, classes, own } of kinds) {
          const one = actsOnAll.has(act)
            ? { target: null, classes: [], own: false }
            : act === 'approve'
              ? { target: target ?? 'orders', classes: [], own }
              : { target, classes, own };
          const decision = engine.decideOnRecord?.(askedBy(), { act, ...one, allowing: hasRoles ? ['role:all'] : [] });
          const may = actsOnAll.has(act) ? mayDo(rights, act) : matches(scope(act), factsOf(one));
          assert.equal(may, decision?.verdict === 'allow', `${act} ${JSON.stringify(one)} ${texts.join('\n')}`);
          compared += 1;
        }
      }
    }),
    { numRuns: 60 },
  );
  assert.ok(compared > 1000);
});

/** Policies, some of which look at the time and at where somebody asks. */
const sometimes = fc.tuple(
  policy,
  fc.constantFrom(
    '',
    'when { context.hour < 8 }',
    'unless { context.now < datetime("2026-12-01") }',
    'when { context.clientAddress.isLoopback() }',
    'unless { context.weekday < 6 && principal.kind == "human" }',
  ),
);

test('who may ever do with a record what another may not is beyond that one where their rules are furthest apart', () => {
  let compared = 0;
  const policySets = fc.array(
    sometimes.map(([text, condition]) => text.replace(';', ` ${condition};`)),
    { minLength: 1, maxLength: 4 },
  );
  fc.assert(
    fc.property(policySets, fc.array(kind, { minLength: 1, maxLength: 4 }), fc.boolean(), (texts, kinds, hasRoles) => {
      const engine = engineOf(texts.join('\n'));
      const asker = (principal: typeof bot, address: string) => ({ principal, onBehalfOf: null, run: null, address });
      const apart = engine.recordingRulesApart?.(asker(bot, '127.0.0.1'), asker(ann, '127.0.0.1')) ?? assert.fail();
      const roles = hasRoles ? allRights : [];
      const found = apart.map(({ one, other }) => actBeyond(ruledRights(roles, one, bot.id), ruledRights(roles, other, ann.id)));
      if (found.some((act) => act !== null)) {
        return;
      }
      for (const at of ['2026-11-30T03:00Z', '2026-11-30T12:00Z', '2026-12-05T03:00Z', '2026-12-06T12:00Z'].map((time) => Date.parse(time))) {
        for (const address of ['127.0.0.1', '192.0.2.1']) {
          for (const [act, each] of actNames.flatMap((name) => kinds.map((one) => [name, one] as const))) {
            const isAsked = act === 'approve' ? each.target !== null : !actsOnAll.has(act) || each.target === null;
            const may = (principal: typeof bot, own: boolean): boolean =>
              engine.decideOnRecord?.(
                { asker: asker(principal, address), timeMs: at },
                {
                  act,
                  target: each.target,
                  classes: act === 'approve' || actsOnAll.has(act) ? [] : each.classes,
                  own,
                  allowing: hasRoles ? ['role:all'] : [],
                },
              ).verdict === 'allow';
            if (isAsked && may(bot, false)) {
              assert.ok(may(ann, false), `${act} ${JSON.stringify(each)} ${texts.join('\n')}`);
              compared += 1;
            }
          }
        }
      }
    }),
    { numRuns: 40 },
  );
  assert.ok(compared > 20);
});

test('what carries values of a forbidden class, or of which nobody knows its classes, is forbidden too', () => {
  const one = scopes(engineOf('forbid (principal, action in Action::"recording", resource == Class::"email");')).scope('search');
  const others = scopes(engineOf('forbid (principal, action in Action::"recording", resource is Class) unless { resource == Class::"card" };')).scope('search');
  const carrying = (classes: readonly string[]): Facts => factsOf({ target: 'orders', classes, own: false }, ownAttributes.carries);
  for (const [classes, byOne, byOthers] of [
    [['email', 'orders/public.customers.email'], false, false],
    [['card', 'orders/public.customers.card'], true, true],
    [['former'], true, false],
    [['unknown'], false, false],
  ] as const) {
    assert.deepEqual([matches(one, carrying(classes)), matches(others, carrying(classes))], [byOne, byOthers], classes.join(' '));
  }
});

test('a permit for other targets gives no record of this one, whatever classes it has', () => {
  const engine = engineOf('permit (principal, action in Action::"recording", resource) unless { resource == Target::"mail" };');
  const { scope } = scopes(engine, { hasRoles: false });
  assert.deepEqual(
    ['orders', 'mail'].map((target) => matches(scope('content'), factsOf({ target, classes: ['email'], own: false }))),
    [true, false],
  );
});

test('of a target that is not configured nobody knows the tags: what forbids by tags forbids it, what permits by them does not permit it', () => {
  const facts = (target: string): Facts => factsOf({ target, classes: [], own: false });
  const forbidden = scopes(engineOf('forbid (principal, action in Action::"recording", resource is Target) when { resource.zone == "outside" };')).scope(
    'list',
  );
  const permitted = scopes(engineOf('permit (principal, action in Action::"recording", resource is Target) when { resource.zone == "inside" };'), {
    hasRoles: false,
  }).scope('list');
  assert.deepEqual(
    ['orders', 'mail', 'former'].map((target) => [matches(forbidden, facts(target)), matches(permitted, facts(target))]),
    [
      [true, true],
      [false, false],
      [false, false],
    ],
  );
});

test('a policy that fails forbids what it would forbid, and permits nothing', () => {
  const overflow = 'when { context.hour * 9223372036854775807 > 0 }';
  const forbids = scopes(engineOf(`forbid (principal, action == Action::"recording.search", resource) ${overflow};`));
  assert.deepEqual([mayDo(forbids.rights, 'search'), mayDo(forbids.rights, 'list')], [false, true]);
  const permits = scopes(engineOf(`permit (principal, action == Action::"recording.search", resource) ${overflow};`), { hasRoles: false });
  assert.ok(!mayDo(permits.rights, 'search'));
});

test('a policy that names no action of recordings says nothing of them', () => {
  const { rules, scope } = scopes(engineOf('forbid (principal, action, resource); permit (principal, action, resource);'));
  assert.deepEqual(rules.rules, []);
  assert.ok(isEverything(scope('content')));
  const decision = engineOf('permit (principal, action in Action::"recording", resource);').decide(asked({ action: 'sql.query' }));
  assert.equal(decision.verdict, 'deny');
});

test('rules hold to the minute, and are kept as long as nothing changes', () => {
  const engine = engineOf(
    'permit (principal in Group::"agents", action in Action::"recording", resource) when { context.now < datetime("2026-11-30T12:01:00Z") };',
  );
  const before = scopes(engine, { hasRoles: false });
  assert.ok(isEverything(before.scope('export')));
  assert.equal(engine.recordingRules?.(askedBy(bot, timeMs + 29_999)), before.rules);
  assert.ok(!mayDo(scopes(engine, { hasRoles: false, at: timeMs + 30_000 }).rights, 'export'));
  assert.ok(!mayDo(scopes(engine, { hasRoles: false, principal: ann }).rights, 'export'));
});

test('each fault of a policy about recordings is told with its place', () => {
  const cedar = loadCedar();
  for (const [text, expected] of [
    [
      'forbid (principal, action in [Action::"recording.list", Action::"sql.query"], resource);',
      /a policy is about recordings or about acts at targets: write one for each/,
    ],
    ['@limit("requests 1 per 1h") forbid (principal, action in Action::"recording", resource);', /@limit says nothing of recordings/],
    ['@approval("dba") forbid (principal, action in Action::"recording", resource);', /@approval says nothing of recordings/],
    ['permit (principal, action in Action::"recording", resource) unless { resource == Class::"card" };', /a permit about recordings says at which targets/],
    ['permit (principal, action in Action::"recording", resource is Class);', /a permit about recordings says at which targets/],
    ['forbid (principal, action in Action::"recording", resource == Gateway::"x");', /there is no gateway "x"/],
    ['forbid (principal, action == Action::"recording.serach", resource);', /recording\.serach/],
    [
      'forbid (principal, action in Action::"recording", resource) when { context.effects.contains("read") };',
      /there is no fact effects of recordings: there is own, now/,
    ],
    ['forbid (principal, action == Action::"recording.approve", resource == Class::"card");', /can never apply/],
    ['forbid (principal, action in Action::"recording", resource == Class::"card") when { resource == Target::"orders" };', /can never apply/],
  ] as const) {
    const { problems } = readPolicies(cedar, [source(text)], vocabulary);
    assert.match(problems.map(({ message }) => message).join('\n'), expected, text);
  }
  const inspected = { ...vocabulary, targets: vocabulary.targets.map((target) => ({ ...target, inspect: ['card'] })) };
  for (const [name, list] of [
    ['Target::"ordres"', 'conflicts'],
    ['Target::"warehouse"', 'warnings'],
    ['Class::"emial"', 'conflicts'],
    ['Class::"passport-number"', 'warnings'],
  ] as const) {
    const read = readPolicies(cedar, [source(`forbid (principal, action in Action::"recording", resource == ${name});`)], inspected);
    assert.deepEqual([read.problems, read[list]().length], [[], 1], name);
  }
  const unseen = readPolicies(cedar, [source('forbid (principal, action in Action::"recording", resource == Class::"card");')], vocabulary);
  assert.match(
    unseen
      .warnings()
      .map(({ message }) => message)
      .join(),
    /^no record has a class, because no target is inspected/,
  );
});
