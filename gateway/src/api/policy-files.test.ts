import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { ChangedVerdict, PolicyCheck, TrialProgress } from '../policy/candidate.ts';
import { waitUntil } from '../../../tests/support/wait-until.ts';
import { openRunningGateway, type RunningGateway } from './testdata/running-gateway.ts';

const readOnly = '@id("read-only")\nforbid (principal in Group::"agents", action, resource)\nunless { ["read"].containsAll(context.effects) };\n';
const typo = 'forbid (principal, action, resource)\nwhen { context.efects.contains("write") };\n';
const recordings = 'permit (principal == Principal::"ann", action in Action::"recording", resource);\n';

interface TriedLine {
  readonly changed?: ChangedVerdict;
  readonly progress?: TrialProgress;
}

interface Listed {
  readonly savingFault: string | null;
  readonly files: readonly { readonly file: string; readonly text: string; readonly sha256: string }[];
}

describe('files of policies over the API', () => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-policy-files-'));
  const policies = join(directory, 'policies');
  let running: RunningGateway;
  let ann: { readonly headers: Readonly<Record<string, string>> };

  before(async () => {
    mkdirSync(policies);
    writeFileSync(join(policies, 'agents.cedar'), readOnly);
    running = await openRunningGateway(`policies: ${policies}\n`);
    const { token } = await running.json('POST', '/api/v1/tokens', { principal: 'ann' });
    ann = { headers: { authorization: `Bearer ${String(token)}` } };
  });
  after(async () => {
    await running[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true });
  });

  async function listed(): Promise<Listed> {
    const answer: Listed = JSON.parse(await (await running.ask('GET', '/api/v1/policy/files')).text());
    return answer;
  }

  async function save(file: string, body: object, options: object = ann): Promise<{ readonly status: number; readonly text: string }> {
    const answer = await running.ask('PUT', `/api/v1/policy/files/${file}`, { ...options, body });
    return { status: answer.status, text: await answer.text() };
  }

  test('a candidate is checked with the place of each fault, tested, and explained with the texts of policies, and nothing changes', async () => {
    const { version } = await running.json('GET', '/api/v1/policy');
    const { problems }: PolicyCheck = JSON.parse(
      await (await running.ask('POST', '/api/v1/policy/check', { body: { files: [{ file: 'more.cedar', text: typo }] } })).text(),
    );
    const [problem = assert.fail()] = problems;
    assert.deepEqual([problem.file, problem.line, problem.column], ['more.cedar', 2, 8]);
    assert.match(problem.message, /efects.*is effects meant/s);
    const twoCases =
      '- { principal: bot, target: shop, action: postgres.query, text: "SELECT 1", expect: allow }\n- { principal: bot, target: shop, action: postgres.query, text: "DELETE FROM a", expect: allow }\n';
    const outcomes = JSON.parse(await (await running.ask('POST', '/api/v1/policy/test', { body: { cases: twoCases } })).text());
    assert.deepEqual(
      outcomes.map((outcome: { readonly decision: { readonly verdict: string } | null; readonly difference: string | null }) => [
        outcome.decision?.verdict,
        outcome.difference === null,
      ]),
      [
        ['allow', true],
        ['deny', false],
      ],
    );
    const request = { principal: 'bot', target: 'shop', action: 'postgres.query', text: 'DELETE FROM a' };
    const explained = await running.json('POST', '/api/v1/policy/explain', { request });
    assert.deepEqual(explained['policies'], [{ id: 'agents.cedar:read-only', text: readOnly.trim() }]);
    const strange = await running.ask('POST', '/api/v1/policy/explain', { body: { request: { ...request, target: 'shpo' } } });
    assert.equal(strange.status, 400);
    assert.match(await strange.text(), /is shop meant/);
    assert.equal((await running.json('GET', '/api/v1/policy'))['version'], version);
  });

  test('a file is saved if it is as it was read and has no fault, and is in force; the history names who', async () => {
    const [agents] = (await listed()).files;
    assert.equal(agents?.text, readOnly);
    const stricter = `${readOnly}@id("never") forbid (principal in Group::"agents", action == Action::"postgres.copy", resource);\n`;
    const faulty = await save('agents.cedar', { text: typo, sha256: agents.sha256 });
    assert.equal(faulty.status, 400);
    assert.equal(readFileSync(join(policies, 'agents.cedar'), 'utf8'), readOnly);
    const saved = await save('agents.cedar', { text: stricter, sha256: agents.sha256 });
    assert.equal(saved.status, 200, saved.text);
    assert.equal(readFileSync(join(policies, 'agents.cedar'), 'utf8'), stricter);
    const { version } = JSON.parse(saved.text);
    assert.equal((await running.json('GET', '/api/v1/policy'))['version'], version);
    const late = await save('agents.cedar', { text: readOnly, sha256: agents.sha256 });
    assert.equal(late.status, 409);
    assert.equal((await save('new.cedar', { text: readOnly.replace('read-only', 'other'), sha256: null })).status, 200);
    assert.equal((await save('new.cedar', { text: '', sha256: null })).status, 409);
    await running.json('POST', '/api/v1/config/apply', {});
    const history = async (): Promise<
      readonly { readonly version: string; readonly by: string | null; readonly how: string; readonly file: string | null }[]
    > => JSON.parse(await (await running.ask('GET', '/api/v1/policy/versions')).text());
    await waitUntil(async () => (await history()).length >= 3);
    const found = await history();
    assert.deepEqual(
      found.map(({ by, how, file }) => [by, how, file]),
      [
        ['ann', 'saved', 'new.cedar'],
        ['ann', 'saved', 'agents.cedar'],
        [null, 'files', null],
      ],
    );
    assert.equal(found[1]?.version, version);
  });

  test('a candidate is tried on what is recorded, as far as who asks may read it, and that is a reading', async () => {
    const { token } = await running.json('POST', '/api/v1/tokens', { principal: 'wide' });
    for (const path of ['/one', '/two']) {
      await (await fetch(`${running.url}/t/wiki${path}`, { headers: { authorization: `Bearer ${String(token)}` } })).text();
    }
    const files = [{ file: 'wiki.cedar', text: '@reason("No wiki.") forbid (principal, action == Action::"http.request", resource == Target::"wiki");' }];
    const tried = async (options: object, of = files): Promise<readonly TriedLine[]> =>
      (await (await running.ask('POST', '/api/v1/policy/try', { ...options, body: { files: of } })).text())
        .trim()
        .split('\n')
        .map((line): TriedLine => JSON.parse(line));
    const changed = (await tried({})).flatMap((line) => line.changed ?? []).toSorted((a, b) => b.requests - a.requests);
    const [{ principal, was, would, policies: by, reason, requests } = assert.fail()] = changed;
    assert.deepEqual([principal, was, would, by, reason, requests], ['wide', 'allow', 'deny', ['wiki.cedar:1'], 'No wiki.', 2]);
    const whole = (await tried(ann)).at(-1)?.progress ?? assert.fail();
    assert.deepEqual([whole.isWhole, whole.changed, whole.undecided.length], [true, 2, 0], 'facts alone suffice');
    const asking = [
      { file: 'wiki.cedar', text: 'forbid (principal, action == Action::"http.request", resource == Target::"wiki") when { context.path == "/one" };' },
    ];
    const unread = (await tried(ann, asking)).at(-1)?.progress ?? assert.fail();
    assert.equal(unread.changed, 0);
    assert.match(JSON.stringify(unread.undecided), /you may not read its content/);
    assert.equal((await tried({}, asking)).at(-1)?.progress?.changed, 1);
    for (let i = 0; i < 3; i += 1) {
      const left = new AbortController();
      const answer = await fetch(`${running.url}/api/v1/policy/try`, {
        method: 'POST',
        ...ann,
        body: JSON.stringify({ files }),
        signal: left.signal,
      });
      await answer.body?.getReader().read();
      left.abort();
    }
    const again = async (): Promise<number> => {
      const { status } = await running.ask('POST', '/api/v1/policy/try', { ...ann, body: { files } });
      return status === 429 ? again() : status;
    };
    assert.equal(await again(), 200, 'who leaves takes no place');
    const found = await (await running.ask('GET', '/api/v1/search?query=kind:access%20principal:ann')).text();
    assert.match(found, /try_policies/);
  });

  test('who saves does not become one of those who decide, and so read what is asked', async () => {
    const holding = (group: string): string =>
      `@id("hold") @approval("${group}") forbid (principal, action == Action::"http.request", resource == Target::"wiki");\n`;
    const own = await save('held.cedar', { text: holding('admins, dba'), sha256: null, force: true });
    assert.equal(own.status, 403, own.text);
    assert.match(own.text, /you are a member of admins/);
    const others = await save('held.cedar', { text: holding('dba'), sha256: null, force: true });
    assert.equal(others.status, 200, others.text);
    const byOperator = await save('held.cedar', { text: holding('admins'), sha256: JSON.parse(others.text).sha256, force: true }, {});
    assert.equal(byOperator.status, 200, byOperator.text);
    const { sha256 } = JSON.parse(byOperator.text);
    const wider = await save('held.cedar', { text: holding('admins').replace('action == Action::"http.request"', 'action'), sha256, force: true });
    assert.equal(wider.status, 403, wider.text);
    const beside = await save('held.cedar', { text: `// as it was\n${holding('admins')}`, sha256, force: true });
    assert.equal(beside.status, 200, beside.text);
    assert.equal((await save('held.cedar', { text: '// none', sha256: JSON.parse(beside.text).sha256, force: true })).status, 200);
  });

  test('who administers gives nobody the right to read recordings by it, and may not widen their own', async () => {
    const gained = await save('gained.cedar', { text: recordings, sha256: null });
    assert.equal(gained.status, 403);
    assert.deepEqual(
      (await listed()).files.some(({ file }) => file === 'gained.cedar'),
      false,
    );
    assert.equal((await save('gained.cedar', { text: recordings, sha256: null }, {})).status, 200, 'the operator may');
  });

  test('a text or a number of files that would not be read again is refused before anything is written', async () => {
    const there = (await listed()).files.map(({ file }) => file);
    const long = 'é'.repeat(600_000);
    for (const text of [`// ${long}`, `// \ud800${long}`, '// \ud800', '\ufeff// none']) {
      const refused = await save('long.cedar', { text, sha256: null });
      assert.equal(refused.status, 400, refused.text.slice(0, 200));
      assert.match(refused.text, /at most 1 MiB|UTF-8/);
    }
    const paths = Array.from({ length: 201 - there.length }, (_, i) => join(policies, `many-${i}.cedar`));
    for (const path of paths.slice(1)) {
      writeFileSync(path, '');
    }
    const more = await save('more.cedar', { text: '', sha256: null });
    for (const path of paths.slice(1)) {
      rmSync(path);
    }
    assert.match(more.text, /would be 201 files/);
    assert.deepEqual(
      (await listed()).files.map(({ file }) => file),
      there,
    );
    const found = await (await running.ask('GET', '/api/v1/search?query=action:gateway.save_policy%20more.cedar')).text();
    assert.match(found, /"count":0/, 'nothing of it was begun');
  });

  test('hostile cases are refused in few steps, and with words', async () => {
    const ask = async (path: string, body: string): Promise<{ readonly status: number; readonly text: string }> => {
      const answer = await fetch(`${running.url}/api/v1/policy/${path}`, { method: 'POST', ...ann, body });
      return { status: answer.status, text: await answer.text() };
    };
    const bomb = 'a: &a [1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c]\n';
    const aliases = await ask('test', JSON.stringify({ cases: bomb }));
    assert.equal(aliases.status, 400);
    assert.match(aliases.text, /more than 100 aliases/);
    const keys = `- {${Array.from({ length: 60_000 }, (_, i) => `k${i}: 1`).join(', ')}}`;
    const manyKeys = await ask('test', JSON.stringify({ cases: keys }));
    assert.equal(manyKeys.status, 400, manyKeys.text);
    assert.match((await ask('test', JSON.stringify({ cases: '- { principal: bot, principal: ann }' }))).text, /cases:1:21: principal is said twice/);
    const deep = `{"request":${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}}`;
    assert.equal((await ask('explain', deep)).status, 400);
  });

  test('a file that cannot be put into force after all is as it was, and that is on record', async () => {
    const configuration = join(running.data, '..', 'countersign.yaml');
    const written = readFileSync(configuration, 'utf8');
    const [{ file, text, sha256 } = assert.fail()] = (await listed()).files;
    writeFileSync(configuration, `${written}nonsense: true\n`);
    const saved = await save(file, {
      text: `${text}@id("later") forbid (principal in Group::"agents", action == Action::"http.request", resource);\n`,
      sha256,
    });
    writeFileSync(configuration, written);
    assert.equal(saved.status, 400);
    assert.match(saved.text, /nonsense/);
    assert.equal(readFileSync(join(policies, file), 'utf8'), text);
    assert.equal((await save('fresh.cedar', { text: '// nothing', sha256: null })).status, 200, 'and the next one is saved');
    const found = await (await running.ask('GET', '/api/v1/search?query=action:gateway.save_policy%20verdict:deny')).text();
    assert.match(found, /did not come into force/);
  });

  test('who could not save a text is not named for it when somebody else puts it there', async () => {
    const configuration = join(running.data, '..', 'countersign.yaml');
    const written = readFileSync(configuration, 'utf8');
    const text = '@id("handed") forbid (principal in Group::"agents", action == Action::"http.request", resource);\n';
    writeFileSync(configuration, `${written}nonsense: true\n`);
    assert.equal((await save('handed.cedar', { text, sha256: null })).status, 400);
    writeFileSync(configuration, written);
    writeFileSync(join(policies, 'handed.cedar'), text);
    await waitUntil(async () => String((await running.json('GET', '/api/v1/policy'))['text']).includes('handed'));
    const [newest] = JSON.parse(await (await running.ask('GET', '/api/v1/policy/versions')).text());
    assert.deepEqual([newest.how, newest.by], ['files', null]);
    rmSync(join(policies, 'handed.cedar'));
    await running.json('POST', '/api/v1/config/apply', {});
  });

  test('names lead nowhere else: no path, no link, no other ending, and no file that is too long is read', async () => {
    const outside = join(directory, 'outside.cedar');
    writeFileSync(outside, '');
    symlinkSync(outside, join(policies, 'link.cedar'));
    const { sha256 } = (await listed()).files.find(({ file }) => file === 'link.cedar') ?? assert.fail();
    assert.match((await save('link.cedar', { text: '// changed', sha256 })).text, /symbolic link/);
    for (const name of ['..%2foutside.cedar', '%2e%2e%2foutside.cedar', '.hidden.cedar', 'agents.txt', 'a%00.cedar', '..cedar']) {
      assert.ok([400, 404].includes((await save(name, { text: '// changed', sha256: null })).status), name);
    }
    assert.equal(readFileSync(outside, 'utf8'), '');
    rmSync(join(policies, 'link.cedar'));
    writeFileSync(join(policies, 'long.cedar'), Buffer.alloc(1024 * 1024 + 1, ' '));
    assert.match((await save('long.cedar', { text: '// changed', sha256: null })).text, /long\.cedar is longer than 1048576 bytes/);
    rmSync(join(policies, 'long.cedar'));
  });

  test('who does not administer gets none of it, and where files cannot be saved it is said why', async () => {
    const { token } = await running.json('POST', '/api/v1/tokens', { principal: 'bot' });
    const headers = { authorization: `Bearer ${String(token)}` };
    for (const [method, path] of [
      ['GET', '/api/v1/policy/files'],
      ['GET', '/api/v1/policy/words'],
      ['GET', '/api/v1/policy/versions'],
      ['POST', '/api/v1/policy/try'],
      ['PUT', '/api/v1/policy/files/agents.cedar'],
    ] as const) {
      assert.equal((await running.ask(method, path, { headers, ...(method === 'GET' ? {} : { body: {} }) })).status, 403, path);
    }
    const configuration = join(running.data, '..', 'countersign.yaml');
    const written = readFileSync(configuration, 'utf8');
    writeFileSync(configuration, `${written}savePolicies: false\n`);
    await running.json('POST', '/api/v1/config/apply', {});
    const { savingFault, files } = await listed();
    assert.match(savingFault ?? '', /savePolicies: false/);
    assert.match((await save('agents.cedar', { text: readOnly, sha256: files[0]?.sha256 })).text, /savePolicies: false/);
    writeFileSync(configuration, written);
    await running.json('POST', '/api/v1/config/apply', {});
    chmodSync(policies, 0o755);
  });
});
