import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import fc from 'fast-check';
import { Authorizer } from './authorizer.ts';
import { loadCedar } from './cedar-library.ts';
import { commonFields } from './context.ts';
import { readPolicies } from './policy-set.ts';
import { ann, asked, bot, mail, source, vocabulary } from './testdata/questions.ts';

const policy = fc
  .record({
    effect: fc.constantFrom('permit', 'forbid'),
    principal: fc.constantFrom(
      'principal',
      'principal == Principal::"bot"',
      'principal in Group::"agents"',
      'principal in Group::"dba"',
      'principal is Principal',
    ),
    action: fc.constantFrom(
      'action',
      'action == Action::"sql.query"',
      'action in Action::"sql"',
      'action in Action::"web"',
      'action in [Action::"sql.copy", Action::"web.request"]',
    ),
    resource: fc.constantFrom('resource', 'resource == Target::"orders"', 'resource in Target::"mail"', 'resource is Target'),
    condition: fc.constantFrom(
      '',
      'when { context.effects.contains("read") }',
      'when { context.session.requests > 3 && context has hour }',
      'when { resource.zone == "outside" || principal.groups.contains("dba") }',
      'unless { context.clientAddress.isLoopback() }',
      'when { context.session.denials * 9223372036854775807 > 3 }',
    ),
  })
  .map(({ effect, principal, action, resource, condition }) => `${effect} (${principal}, ${action}, ${resource}) ${condition};`);
/** With a comment of this length in each, three policies of a kind are too long to be read for one request. */
const comment = fc.constantFrom('', `// ${'-'.repeat(5000)}\n`);
const question = fc
  .record({
    principal: fc.constantFrom(bot, ann, { ...bot, id: 'other', groups: [] }),
    isMail: fc.boolean(),
    action: fc.constantFrom('sql.query', 'sql.copy', 'web.request', 'sql.unheard'),
    effects: fc.subarray(['read', 'write']),
    requests: fc.nat(6),
    denials: fc.nat(3),
  })
  .map(({ principal, isMail, action, effects, requests, denials }) =>
    asked({ principal, ...(isMail ? { target: mail } : {}), action, effects, history: { requests, denials } }),
  );

test('T4.19: the policies that apply are those that Cedar finds among all of them', () => {
  const cedar = loadCedar();
  fc.assert(
    fc.property(fc.array(policy, { minLength: 1, maxLength: 8 }), comment, fc.array(question, { minLength: 1, maxLength: 4 }), (texts, long, questions) => {
      const { policies, problems } = readPolicies(cedar, [source(texts.map((text) => text.replace(';', `${long};`)).join('\n'))], vocabulary);
      fc.pre(problems.length === 0);
      const authorizer = new Authorizer(policies, vocabulary);
      for (const each of questions) {
        const { asker, target, action } = each;
        const { principal, history } = asker;
        const known = vocabulary.protocols.some(({ actions }) => actions.some(({ name }) => name === action.name)) ? action.name : `${target.protocol}.other`;
        const applies = policies.map(({ id, text, effect }) => {
          const answer = cedar.isAuthorized({
            principal: { type: 'Principal', id: principal.id },
            action: { type: 'Action', id: known },
            resource: { type: 'Target', id: target.name },
            context: {
              effects: [...(Array.isArray(action.attributes['countersign.effects']) ? action.attributes['countersign.effects'] : [])],
              clientAddress: { __extn: { fn: 'ip', arg: asker.address } },
              hour: new Date(each.timeMs).getUTCHours(),
              session: { requests: history.requests, denials: history.denials },
            },
            entities: [
              {
                uid: { type: 'Principal', id: principal.id },
                attrs: { kind: principal.kind, groups: [...principal.groups], onBehalfOf: '' },
                parents: principal.groups.map((group) => ({ type: 'Group', id: group })),
              },
              {
                uid: { type: 'Target', id: target.name },
                attrs: { protocol: target.protocol, environment: target.tags?.['environment'] ?? '', zone: target.tags?.['zone'] ?? '' },
                parents: [],
              },
              { uid: { type: 'Action', id: known }, attrs: {}, parents: [{ type: 'Action', id: known.split('.')[0] ?? '' }] },
            ],
            policies: { staticPolicies: { [id]: text } },
            validateRequest: false,
          });
          assert.equal(answer.type, 'success');
          const { errors, reason } = answer.response.diagnostics;
          return { id, effect, outcome: errors.length > 0 ? 'failed' : reason.length > 0 ? 'satisfied' : 'none' };
        });
        const { satisfied, failed } = authorizer.ask(each, commonFields);
        const idsOf = (wanted: string): readonly string[] => applies.filter(({ outcome }) => outcome === wanted).map(({ id }) => id);
        assert.deepEqual([satisfied.toSorted(), failed.toSorted()], [idsOf('satisfied').toSorted(), idsOf('failed').toSorted()]);
      }
    }),
    { numRuns: 40 },
  );
});
