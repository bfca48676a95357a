import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { SessionSummary, ShownRecord } from '../feed/shown-record.ts';
import type { FoundRecord } from '../search/found.ts';
import { openRunningGateway, type RunningGateway } from './testdata/running-gateway.ts';

/** By kind, the end of a policy that forbids those of the group all acts with some recordings. */
const forbids = {
  none: null,
  target: 'resource == Target::"wiki")',
  class: 'resource == Class::"email")',
  own: 'resource) when { context.own }',
  group: 'resource)',
  time: 'resource) when { context.now >= datetime("2020-01-01") }',
  past: 'resource) when { context.now < datetime("2020-01-01") }',
} as const;

type Kind = keyof typeof forbids;
const kinds = ['none', 'target', 'class', 'own', 'group', 'time', 'past'] as const satisfies readonly Kind[];

/** The records of each kind that is not seen; null: the act is refused. */
const hidden: Readonly<Record<Kind, readonly string[] | null>> = {
  none: [],
  target: ['wiki', 'own wiki'],
  class: ['email'],
  own: ['own wiki'],
  group: null,
  time: null,
  past: [],
};
const marks = ['api', 'email', 'own wiki', 'wiki'];

const policies = `
@approval("dba") forbid (principal, action == Action::"http.request", resource == Target::"wiki");
@id("all") permit (principal in Group::"all", action in Action::"recording", resource);
${Object.entries(forbids)
  .map(([kind, end]) =>
    end === null ? '' : `@id("${kind}") @reason("No ${kind}.") forbid (principal in Group::"${kind}", action in Action::"recording", ${end};`,
  )
  .join('\n')}
`;

interface Person {
  readonly get: (path: string) => Promise<Response>;
  readonly lines: <Row>(path: string) => Promise<readonly Row[]>;
  readonly ask: (target: string, body: string) => Promise<string>;
}

async function personOf({ ask, json, url }: RunningGateway, principal: string): Promise<Person> {
  const { token } = await json('POST', '/api/v1/tokens', { principal });
  const headers = { authorization: `Bearer ${String(token)}` };
  const get = async (path: string): Promise<Response> => ask('GET', path, { headers });
  return {
    get,
    lines: async (path) => {
      const answer = await get(path);
      const text = await answer.text();
      assert.equal(answer.status, 200, `${principal} ${path}: ${text}`);
      return text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line));
    },
    ask: async (target, body) => {
      const asked = { ...headers, 'content-type': 'text/plain', 'countersign-hold': 'return' };
      const answer = await fetch(`${url}/t/${target}/x`, { method: 'POST', headers: asked, body });
      await answer.text();
      return answer.headers.get('countersign-session') ?? assert.fail();
    },
  };
}

function isFound(row: FoundRecord | { readonly summary: unknown }): row is FoundRecord {
  return !('summary' in row);
}

function marksOf(records: readonly Pick<ShownRecord, 'kind' | 'principal' | 'target' | 'attributes'>[], principal: string): readonly string[] {
  const requests = records.filter(({ kind }) => kind === 'request');
  const found = requests.map(({ principal: by, target, attributes }) => {
    const isOfClass = [attributes['countersign.classes'] ?? []].flat().some((name) => name === 'email');
    return `${by === principal ? 'own ' : ''}${isOfClass ? 'email' : target}`;
  });
  return [...new Set(found)].toSorted();
}

test('B21: policies narrow each act with recordings by target, class, group, own records and time', async (context) => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-recordings-'));
  const file = join(directory, 'rules.cedar');
  writeFileSync(file, policies);
  context.after(() => {
    rmSync(directory, { recursive: true });
  });
  await using running = await openRunningGateway(
    `${kinds.map((kind) => `  ${kind}: { kind: human, groups: [all, ${kind}], targets: [wiki] }\n`).join('')}policies: ${file}\n`,
  );
  const configuration = join(running.data, '..', 'countersign.yaml');
  writeFileSync(
    configuration,
    readFileSync(configuration, 'utf8').replace('api: { url: http://127.0.0.1:1 }', 'api: { url: http://127.0.0.1:1, inspect: [email] }'),
  );
  await running.json('POST', '/api/v1/config/apply', {});
  const wide = await personOf(running, 'wide');
  await wide.ask('api', 'nothing');
  await wide.ask('api', 'write to ann@example.com');
  const session = await wide.ask('wiki', 'nothing');
  const path = `/api/v1/sessions/${session}`;
  const live = await (await personOf(running, 'wide')).ask('wiki', 'held');
  const people = new Map<Kind, Person>();
  const sessions = new Map<Kind, string>();
  for (const kind of kinds) {
    const person = await personOf(running, kind);
    people.set(kind, person);
    sessions.set(kind, await person.ask('wiki', 'nothing'));
  }
  await running.json('POST', `${path}/halt`, {});

  for (const kind of kinds) {
    const { get, lines } = people.get(kind) ?? assert.fail();
    const own = `/api/v1/sessions/${sessions.get(kind)}`;
    const hiddenMarks = hidden[kind];
    if (hiddenMarks === null) {
      for (const [each, act] of [
        ['/api/v1/sessions?all', 'list sessions'],
        ['/api/v1/search', 'search records'],
        [`${path}/records`, 'read records'],
        [`${path}/records/1/bytes?bytes=0-`, 'read the content of records'],
        [`${path}/watch`, 'watch sessions'],
        ['/api/v1/export', 'export sessions'],
        ['/api/v1/tokens', 'use the API as an administrator'],
      ] as const) {
        const answer = await get(each);
        assert.deepEqual([answer.status, Object.assign({ detail: '' }, await answer.json()).detail], [403, `${kind} may not ${act}: No ${kind}.`]);
      }
      // Its own request was held, or failed before, because nobody answers at the address of the target.
      assert.doesNotMatch(await (await get('/api/v1/approvals')).text(), /"principal"/, 'of requests of others nothing is shown');
      continue;
    }
    const seen = marks.filter((mark) => !hiddenMarks.includes(mark));
    const search = (await lines<FoundRecord | { readonly summary: { readonly count: number } }>('/api/v1/search?query=kind:request&limit=100')).toReversed();
    const found = search.filter(isFound).filter(({ principal }) => principal === 'wide' || principal === kind);
    assert.deepEqual(marksOf(found, kind), seen, `${kind} search`);
    const [summary] = search;
    assert.equal(summary !== undefined && 'summary' in summary && summary.summary.count, search.length - 1, `${kind} count`);
    const values = await lines<{ readonly value?: string; readonly count: number }>('/api/v1/search?query=kind:request&countBy=target');
    assert.deepEqual(values.flatMap(({ value }) => value ?? []).toSorted(), kind === 'target' ? ['api'] : ['api', 'wiki'], `${kind} values`);
    assert.deepEqual(
      marksOf(
        (await lines<FoundRecord>('/api/v1/export?query=kind:request')).filter(({ principal }) => principal === 'wide' || principal === kind),
        kind,
      ),
      seen,
      `${kind} export`,
    );
    const isSeen = (mark: string): boolean => seen.includes(mark);
    assert.equal((await get(`${own}/records`)).status, isSeen('own wiki') ? 200 : 404, `${kind} own`);
    for (const way of ['records', 'watch']) {
      const shown = await lines<ShownRecord>(`${path}/${way}`);
      assert.deepEqual(
        marksOf(shown, kind),
        seen.filter((mark) => mark !== 'own wiki'),
        `${kind} ${way}`,
      );
      assert.ok(
        shown.every((record) => record.kind !== 'request' || record.content !== null),
        `${kind} content`,
      );
    }
    const listed = await lines<SessionSummary>('/api/v1/sessions?all');
    assert.deepEqual(
      listed.flatMap((each) => (each.session === session ? each.targets : each.session === sessions.get(kind) ? ['own'] : [])).toSorted(),
      ['api', ...(isSeen('own wiki') ? ['own'] : []), ...(isSeen('wiki') ? ['wiki'] : [])],
      `${kind} list`,
    );
    const approvals = await (await get('/api/v1/approvals')).text();
    assert.equal(approvals.includes('"principal":"wide"'), isSeen('wiki'), `${kind} approvals`);
    assert.equal((await get('/api/v1/tokens')).status, 200);
  }
  const [target, none] = [people.get('target') ?? assert.fail(), people.get('none') ?? assert.fail()];
  assert.equal((await target.get(`/api/v1/sessions/${live}/records`)).status, 404);

  // Each record of a reading, and of a refusal, names the policies that had a say.
  const version = (await running.json('GET', '/api/v1/policy'))['version'];
  for (const [query, named] of [
    ['kind:access principal:class policy:rules.cedar:class countersign.access.what:search', ['rules.cedar:all', 'rules.cedar:class']],
    ['kind:access principal:past countersign.access.what:search', ['rules.cedar:all']],
    ['verdict:deny principal:group policy:rules.cedar:group url.path:/api/v1/search', ['rules.cedar:all', 'rules.cedar:group']],
  ] as const) {
    const found = (await none.lines<FoundRecord>(`/api/v1/search?${new URLSearchParams({ query }).toString()}`)).find(isFound);
    assert.deepEqual([found?.policies, found?.attributes['countersign.policy_version']], [named, version], query);
  }

  // Answers that have begun end, although nothing comes on them.
  const begun = await Promise.all(
    [`/api/v1/sessions/${live}/watch`, '/api/v1/export?follow&query=principal:nobody'].map(async (each) => (await none.get(each)).body?.getReader()),
  );
  await begun[0]?.read();
  writeFileSync(file, `${policies}\nforbid (principal in Group::"none", action in Action::"recording", resource == Target::"wiki");\n`);
  await running.json('POST', '/api/v1/config/apply', {});
  for (const reader of begun) {
    await assert.rejects(async () => {
      while ((await reader?.read())?.done === false);
    });
  }
  assert.equal((await none.get(`/api/v1/sessions/${live}/records`)).status, 404);
});

test('B21: who decides on a request sees nothing of the requests before it that policies forbid', async (context) => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-story-'));
  const file = join(directory, 'rules.cedar');
  writeFileSync(
    file,
    `@approval("dba") forbid (principal, action == Action::"http.request", resource == Target::"wiki");
forbid (principal in Group::"dba", action in Action::"recording", resource == Target::"api");
`,
  );
  context.after(() => {
    rmSync(directory, { recursive: true });
  });
  await using running = await openRunningGateway(`  dan: { kind: human, groups: [dba] }\ngroups: { dba: {} }\npolicies: ${file}\n`);
  const wide = await personOf(running, 'wide');
  await wide.ask('api', 'forbidden');
  await wide.ask('wiki', 'held');
  const dan = await personOf(running, 'dan');
  const [approval]: readonly { readonly approval: string }[] = JSON.parse(await (await dan.get('/api/v1/approvals')).text());
  const shown: { readonly request: ShownRecord; readonly before: readonly ShownRecord[] } = JSON.parse(
    await (await dan.get(`/api/v1/approvals/${approval?.approval}`)).text(),
  );
  assert.deepEqual([shown.request.target, shown.request.content?.text?.includes('held'), shown.before.map(({ target }) => target)], ['wiki', true, []]);
});
