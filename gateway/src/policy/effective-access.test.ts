import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { cedarPolicy } from './cedar-policy.ts';
import { grantPolicy } from './grants.ts';
import type { PolicyEngine } from './policy.ts';
import { accessOf, type ActionAccess, type PossibleAsker } from './possible-access.ts';
import { ann, asked, bot, mail, source, vocabulary } from './testdata/questions.ts';
import type { Target } from '../domain/target.ts';

const { target: orders } = asked();
const sqlActions = ['sql.connect', 'sql.unknown', 'sql.query', 'sql.copy'];

function policy(text: string): PolicyEngine {
  return cedarPolicy(grantPolicy([bot, ann]), [source(text)], vocabulary);
}

async function accessTo(text: string, asker: PossibleAsker = bot, target: Target = orders): Promise<readonly ActionAccess[]> {
  return (await policy(text).accessTo?.({ asker, target, actions: target === orders ? sqlActions : ['web.connect', 'web.unknown', 'web.request'] })) ?? [];
}

/** Says of each group of actions which they are, what may be done in short, and by which policies under which conditions. */
async function summary(...asking: Parameters<typeof accessTo>): Promise<readonly string[]> {
  const all = await accessTo(...asking);
  return all.map(({ actions, verdicts, policies }) => {
    const words = policies.map(({ policy: id, when }) => (when === null ? id : `${id} when ${when}`));
    return `${all.length === 1 ? 'all' : actions.join(' ')}: ${accessOf(verdicts)} by ${words.join('; ')}`;
  });
}

describe('what somebody may do at a target, whatever the requests are', () => {
  test('a grant allows, a forbid without a condition denies, and what nobody permits is denied', async () => {
    assert.deepEqual(await summary('forbid (principal, action == Action::"sql.copy", resource);'), [
      'sql.connect sql.unknown sql.query: allowed by grant:bot:orders',
      'sql.copy: denied by grant:bot:orders; rules.cedar:1',
    ]);
    assert.deepEqual(await summary('forbid (principal, action == Action::"sql.copy", resource);', ann, mail), ['all: denied by ']);
  });

  test('what is known of who asks and of the target is no condition any more, and the rest is said as people write it', async () => {
    const text = `forbid (principal, action, resource)
      when { principal.kind == "agent" && principal.groups.contains("agents") && resource.zone like "in*" && context.session.requests > 5 }
      unless { principal in Group::"dba" || context.hour >= 22 };`;
    assert.deepEqual(await summary(text), ['all: conditional by grant:bot:orders; rules.cedar:1 when (context.session.requests > 5) && (context.hour < 22)']);
    assert.deepEqual(await summary(text, ann), ['all: allowed by grant:ann:orders']);
  });

  test('a forbid that people may lift holds', async () => {
    assert.deepEqual(await summary('@approval("dba") forbid (principal, action, resource) when { resource.environment == "production" };'), [
      'all: held by grant:bot:orders; rules.cedar:1',
    ]);
  });

  test('a condition that no request or every request satisfies is none', async () => {
    assert.deepEqual(await summary('forbid (principal, action, resource) when { context.hour > 23 };'), ['all: allowed by grant:bot:orders']);
    assert.deepEqual(await summary('forbid (principal, action, resource) when { context.hour >= 0 };'), ['all: denied by grant:bot:orders; rules.cedar:1']);
  });

  test('a condition on the action is decided for each action', async () => {
    assert.deepEqual(await summary('forbid (principal, action, resource) unless { action == Action::"sql.query" || action in Action::"web" };'), [
      'sql.connect sql.unknown sql.copy: denied by grant:bot:orders; rules.cedar:1',
      'sql.query: allowed by grant:bot:orders',
    ]);
  });

  test('arithmetic that may fail, and a limit, may deny', async () => {
    const failing = await accessTo('forbid (principal, action, resource) when { context.session.rows + 9223372036854775807 < 0 };');
    assert.deepEqual(failing[0]?.verdicts, ['allow', 'deny']);
    const limited = await accessTo('@limit("requests 5 per 1h") permit (principal, action, resource);');
    assert.deepEqual(limited[0]?.verdicts, ['allow', 'deny']);
  });

  test('where policies are observed, the grants alone decide', async () => {
    assert.deepEqual(await summary('forbid (principal, action, resource);', bot, { ...orders, mode: 'observe' }), ['all: allowed by grant:bot:orders']);
    assert.deepEqual(await summary('@mode("observe") forbid (principal, action, resource);'), ['all: allowed by grant:bot:orders']);
  });

  test('of people of whom only the groups are known, a policy for one of them by name may be about one', async () => {
    const engine = cedarPolicy(
      grantPolicy([bot, ann], new Map([['dba', { targets: ['orders'] }]])),
      [
        source(
          `forbid (principal == Principal::"corp/eve", action, resource); forbid (principal == Principal::"ann", action, resource);
           forbid (principal in Group::"agents", action, resource); forbid (principal, action, resource) when { principal == Principal::"corp/max" };`,
        ),
      ],
      { ...vocabulary, issued: { issuers: ['corp'], groups: ['dba'] } },
    );
    const [found] = (await engine.accessTo?.({ asker: { id: null, kind: 'human', groups: ['dba'] }, target: orders, actions: sqlActions })) ?? [];
    assert.deepEqual(
      found?.policies.map(({ policy: id, when }) => [id, when]),
      [
        ['grant:group dba:orders', null],
        ['rules.cedar:1', 'principal == Principal::"corp/eve"'],
        ['rules.cedar:4', 'principal == Principal::"corp/max"'],
      ],
    );
    assert.deepEqual(found?.verdicts, ['allow', 'deny']);
  });

  test('no decision is another one than is said', async () => {
    const condition = fc.constantFrom(
      'context.hour < 12',
      'context.hour > 23',
      'context.hour >= 0',
      'context.effects.contains("write")',
      'context.session.requests > 3',
      'context.session.rows + 9223372036854775000 > 5',
      'context.session.tables.contains("x")',
      'context.clientAddress.isLoopback()',
      'context.attended',
      'principal.kind == "agent"',
      'principal.onBehalfOf == "ann"',
      'principal in Group::"dba"',
      'principal is Principal in Group::"dba"',
      'principal == Principal::"ann"',
      'principal.groups.contains("agents")',
      'resource.zone == "inside"',
      'resource.environment like "prod*"',
      'resource in [Target::"mail"]',
      'action == Action::"sql.query"',
      'action in Action::"web"',
      '(if context.hour < 12 then resource.zone == "inside" else principal.kind == "human")',
    );
    const { conditions } = fc.letrec<{ conditions: string }>((tie) => ({
      conditions: fc.oneof(
        { maxDepth: 3, withCrossShrink: true },
        condition,
        fc.tuple(tie('conditions'), fc.constantFrom('&&', '||'), tie('conditions')).map(([left, operator, right]) => `(${left} ${operator} ${right})`),
        tie('conditions').map((inner) => `!(${inner})`),
      ),
    }));
    const rule = fc
      .record({
        start: fc.constantFrom('permit', 'forbid', 'forbid', '@approval("dba") forbid', '@mode("observe") forbid'),
        who: fc.constantFrom(
          'principal',
          'principal',
          'principal == Principal::"bot"',
          'principal in Group::"dba"',
          'principal is Principal in Group::"agents"',
        ),
        what: fc.constantFrom('action', 'action in Action::"sql"', 'action in [Action::"sql.query", Action::"web.request"]'),
        where: fc.constantFrom('resource', 'resource == Target::"orders"'),
        when: fc.option(conditions, { freq: 4 }),
        unless: fc.option(conditions, { freq: 2 }),
      })
      .map(({ start, who, what, where, when, unless }) => {
        const clauses = `${when === null ? '' : ` when { ${when} }`}${unless === null ? '' : ` unless { ${unless} }`}`;
        return `${start} (${who}, ${what}, ${where})${clauses};`;
      });
    const request = fc.record({
      principal: fc.constantFrom(bot, ann),
      target: fc.constantFrom(orders, mail),
      action: fc.constantFrom('connect', 'unknown', 'query', 'copy', 'request'),
      effects: fc.constantFrom(['read'], ['write']),
      timeMs: fc.integer({ min: 0, max: 24 }).map((hour) => hour * 3_600_000),
      address: fc.constantFrom('127.0.0.1', '10.0.0.1'),
      history: fc.record({ requests: fc.nat(6), rows: fc.nat(2000), tables: fc.constantFrom(new Set<string>(), new Set(['x'])) }),
      onBehalfOf: fc.constantFrom(null, 'ann'),
    });
    let exact = 0;
    let counted = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(rule, { minLength: 1, maxLength: 4 }), fc.array(request, { minLength: 8, maxLength: 8 }), async (rules, requests) => {
        const accepted = rules.filter((text) => {
          try {
            return policy(text) !== null;
          } catch {
            // Cedar refuses a policy that can never apply.
            return false;
          }
        });
        const engine = policy(accepted.join('\n'));
        for (const { action: kind, onBehalfOf, ...rest } of requests) {
          const action = `${rest.target.protocol}.${kind}`;
          const actions = vocabulary.protocols.flatMap(({ id, actions: all }) => (id === rest.target.protocol ? all.map(({ name }) => name) : []));
          const name = actions.includes(action) || kind === 'connect' ? action : `${rest.target.protocol}.unknown`;
          const question = asked({ ...rest, action: name });
          const { verdict } = engine.decide({ ...question, asker: { ...question.asker, onBehalfOf } });
          for (const asker of [rest.principal, { ...rest.principal, kind: null }]) {
            const [access] = (await engine.accessTo?.({ asker, target: rest.target, actions: [name] })) ?? [];
            assert.ok(access?.verdicts.includes(verdict), `${verdict} is none of ${access?.verdicts.join()} for ${name}:\n${accepted.join('\n')}`);
            exact += access?.verdicts.length === 1 ? 1 : 0;
            counted += 1;
          }
          // Somebody unknown of the same groups, without the grants that are for a name.
          const [ofGroups] = (await engine.accessTo?.({ asker: { ...rest.principal, id: null }, target: rest.target, actions: [name] })) ?? [];
          const stranger = { ...question.asker, onBehalfOf, principal: { ...rest.principal, id: 'corp/somebody', targets: [] } };
          const other = engine.decide({ ...question, asker: stranger }).verdict;
          assert.ok(ofGroups?.verdicts.includes(other), `${other} is none of ${ofGroups?.verdicts.join()} for somebody at ${name}:\n${accepted.join('\n')}`);
        }
      }),
      { numRuns: 20 },
    );
    assert.ok(exact > counted / 10, `${exact} of ${counted} are exact`);
  });
});
