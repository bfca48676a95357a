import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { ApprovalSummary } from '../../gateway/src/api/approvals.ts';
import type { SessionSummary, ShownRecord } from '../../gateway/src/feed/shown-record.ts';
import { Gateway } from '../../gateway/src/gateway.ts';
import { openServer } from '../../cli/src/demo/sample-server.ts';
import { streamProtocols } from '../../gateway/src/protocols/registry.ts';
import type { Access, Entry, EntryConnection } from '../support/contract.ts';
import { contractTargets, startContracts, targetsOf, type TargetEntry, testedProtocols } from '../support/contracts.ts';
import { waitUntil } from '../support/wait-until.ts';

const directory = mkdtempSync(join(tmpdir(), 'countersign-controls-'));
const source = await openServer(async (request, response) => {
  response.end(`It says ${request.url?.slice(1)}.`);
  await Promise.resolve();
});
const contracts = await startContracts('canary-target-secret-5d0e7b');
let gateway: Gateway;
after(async () => {
  await gateway[Symbol.asyncDispose]();
  await contracts[Symbol.asyncDispose]();
  await source[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true });
});

/** An entry as somebody uses it who is under one control. */
interface Cell {
  readonly entry: TargetEntry;
  readonly principal: string;
  /** A run's session. Null: the credential is a token of the principal. */
  readonly session: string | null;
  readonly token: string;
  readonly open: () => EntryConnection;
  readonly ask: EntryConnection['ask'];
}

interface ControlRow {
  readonly name: string;
  /** True if it depends on what the session saw before, at the target `source`. */
  readonly hasSource?: true;
  /** People wait for those who approve, agents are told at once. */
  readonly kind: 'human' | 'agent';
  readonly bearer: 'token' | 'run';
  /** Returns the policy of a group about what `scope` says: an action, and further conditions. Absent: there is none. */
  readonly policy?: (group: string, scope: { readonly action: string; readonly when: string }) => string;
  check(cell: Cell): Promise<void>;
}

let words = 0;
/** Words of the same length that nobody has said before. */
function newWords(): string {
  words += 1;
  return `words-${String(words).padStart(5, '0')}`;
}

const limit = 6;
const asksMax = 12;

const held: ControlRow['policy'] = (group, { action, when }) =>
  `@approval("dba") @reason("People decide.") forbid (principal in Group::"${group}", ${action}, resource)${when};`;

/** Each stands between a request and its target. */
const controls: readonly ControlRow[] = [
  {
    name: 'a policy that forbids',
    kind: 'agent',
    bearer: 'token',
    policy: (group, { action, when }) => `@id("${group}") @reason("Nobody may.") forbid (principal in Group::"${group}", ${action}, resource)${when};`,
    check: async ({ entry, principal, ask }) => {
      const said = newWords();
      assertRefused(entry, await ask(said), /Nobody may/);
      assert.equal(await entry.heard(said), 0);
      const denied = (await recordsOf(principal)).filter(({ kind, verdict }) => kind === 'request' && verdict === 'deny');
      assert.ok(
        denied.some(({ policies }) => policies.some((policy) => policy.startsWith('rules.cedar:'))),
        JSON.stringify(denied),
      );
    },
  },
  {
    name: 'an approval that is waited for',
    kind: 'human',
    bearer: 'token',
    policy: held,
    check: async ({ entry, principal, ask }) => {
      const said = newWords();
      let told: Awaited<ReturnType<Cell['ask']>> | null = null;
      const asking = ask(said).then((answer) => (told = answer));
      let granted = 0;
      for (;;) {
        await waitUntil(async () => told !== null || (await openOf(principal)).length > 0);
        const [open] = await openOf(principal);
        if (open === undefined) {
          break;
        }
        assert.equal(await entry.heard(said), 0);
        await grant(open);
        granted += 1;
      }
      const { isAllowed, text } = await asking;
      assert.equal(isAllowed, true, text);
      assert.ok(granted > 0);
      assert.equal(await entry.heard(said), 1);
    },
  },
  {
    name: 'an approval after which the request is sent again',
    kind: 'agent',
    bearer: 'token',
    policy: held,
    check: async ({ entry, principal, ask }) => {
      const said = newWords();
      for (let round = 0; round < asksMax; round += 1) {
        const { isAllowed, text } = await ask(said);
        const open = await openOf(principal);
        if (isAllowed || open.length === 0) {
          assert.equal(isAllowed, true, text);
          break;
        }
        assert.equal(await entry.heard(said), 0);
        assert.ok(entry.isSilent === true || text.includes(open.at(-1)?.approval ?? '?'), text);
        for (const each of open) {
          await grant(each);
        }
      }
      assert.equal(await entry.heard(said), 1);
    },
  },
  {
    name: 'an approval that is denied',
    kind: 'human',
    bearer: 'token',
    policy: held,
    check: async ({ entry, principal, ask }) => {
      const said = newWords();
      const asking = ask(said);
      const { approval } = await waiting(principal, asking);
      assert.equal((await api(`/api/v1/approvals/${approval}/deny`, { reason: 'not today' })).status, 200);
      assertRefused(entry, await asking, /operator denied it: not today/);
      assert.equal(await entry.heard(said), 0);
    },
  },
  {
    name: 'a halt while people are asked',
    kind: 'human',
    bearer: 'run',
    policy: held,
    check: async ({ entry, principal, session, ask }) => {
      const said = newWords();
      const asking = ask(said);
      const { approval } = await waiting(principal, asking);
      assert.equal((await api(`/api/v1/sessions/${session}/halt`, { reason: 'enough' })).status, 200);
      assert.equal((await asking).isAllowed, false);
      assert.deepEqual(await openOf(principal), []);
      assert.equal((await api(`/api/v1/approvals/${approval}/grant`, {})).status, 409);
      assert.ok(entry.isDoneByHalt === true || (await entry.heard(said)) === 0);
    },
  },
  {
    name: 'a limit',
    kind: 'agent',
    bearer: 'token',
    policy: (group, { action, when }) => `@limit("requests ${limit} per 1h") permit (principal in Group::"${group}", ${action}, resource)${when};`,
    check: async ({ entry, ask }) => {
      let passed = 0;
      for (let asked = 0; asked < asksMax; asked += 1) {
        const said = newWords();
        const told = await ask(said);
        assert.equal(await entry.heard(said), told.isAllowed ? 1 : 0);
        if (!told.isAllowed) {
          assertRefused(entry, told, /the limit is 6 requests per 1h/);
          break;
        }
        passed += 1;
      }
      // Parts count with the request that they belong to.
      assert.ok(entry.isPart === true ? passed === asksMax : passed > 0 && passed <= limit, `${passed} passed`);
    },
  },
  {
    name: 'a mask of what is asked',
    kind: 'agent',
    bearer: 'token',
    // A value passes through each part of a request, so a mask is of all actions.
    policy: (group) => `@mask_request("words") permit (principal in Group::"${group}", action, resource);`,
    check: async ({ entry, principal, ask }) => {
      const said = newWords();
      const { isAllowed, text } = await ask(said);
      assert.equal(await entry.heard(said), 0);
      // A request that has no place for a mask is refused, and its client is told why.
      assert.ok(isAllowed || entry.isSilent === true || /policy (?:masks|changes texts)/i.test(text), text);
      const holding = (await recordsOf(principal)).filter((record) => JSON.stringify(record).includes(said));
      assert.deepEqual(holding, []);
    },
  },
  {
    name: 'a policy about what is carried',
    kind: 'agent',
    bearer: 'run',
    hasSource: true,
    // A value passes through each part of a request, so this is about all actions. A setting is decided on as a statement, and not only as a part of its login.
    policy: (group) =>
      `@reason("It came from the source.") forbid (principal in Group::"${group}", action, resource) when { context.carries.contains("words") } unless { action == Action::"postgres.connect" };`,
    check: async (cell) => carried(cell, /It came from the source/),
  },
  {
    name: 'a mask that depends on what is carried',
    kind: 'agent',
    bearer: 'run',
    hasSource: true,
    policy: (group) => `@mask_request("words") permit (principal in Group::"${group}", action, resource) when { context.carries.contains("words") };`,
    check: async (cell) => carried(cell, /changes texts of a request, and those of this request cannot be changed/),
  },
  {
    name: 'a halt',
    kind: 'agent',
    bearer: 'run',
    check: async (cell) =>
      ended(cell, async () => {
        assert.equal((await api(`/api/v1/sessions/${cell.session}/halt`, { reason: 'enough' })).status, 200);
      }),
  },
  {
    name: 'a suspension',
    kind: 'agent',
    bearer: 'token',
    check: async (cell) =>
      ended(cell, async () => {
        assert.equal((await api(`/api/v1/principals/${cell.principal}/suspend`, { reason: 'enough' })).status, 200);
      }),
  },
];

/** A request with words that the session saw is refused, and one with others is let through. */
async function carried({ entry, token, ask }: Cell, why: RegExp): Promise<void> {
  const [other, seen] = [newWords(), newWords()];
  const said = await fetch(`http://${gateway.addresses['http']}/t/source/${seen}`, { headers: { authorization: `Bearer ${token}` } });
  assert.equal(await said.text(), `It says ${seen}.`);
  const { isAllowed, text } = await ask(other);
  assert.equal(isAllowed, true, text);
  assertRefused(entry, await ask(seen), why);
  assert.deepEqual([await entry.heard(other), await entry.heard(seen)], [1, 0]);
}

/** A request is let through before the end and none after it: neither on the connection that is open, nor on another. */
async function ended({ entry, open, ask }: Cell, end: () => Promise<void>): Promise<void> {
  const first = newWords();
  const { isAllowed, text } = await ask(first);
  assert.equal(isAllowed, true, text);
  assert.equal(await entry.heard(first), 1);
  await end();
  const other = open();
  await Promise.all(
    [ask, async (said: string) => other.ask(said)].map(async (again) => {
      const said = newWords();
      assert.equal((await again(said)).isAllowed, false);
      assert.equal(await entry.heard(said), 0);
    }),
  );
  await other.close();
}

function assertRefused(entry: Entry, { isAllowed, text }: Awaited<ReturnType<Cell['ask']>>, why: RegExp): void {
  assert.equal(isAllowed, false, text);
  assert.ok(entry.isSilent === true || why.test(text), text);
}

const operator = (): string => readFileSync(join(directory, 'store', 'admin.token'), 'utf8').trim();

async function api(path: string, body?: unknown): Promise<Response> {
  return fetch(`http://${gateway.addresses['http']}${path}`, {
    headers: { authorization: `Bearer ${operator()}` },
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
  });
}

async function issue(principal: string, bearer: ControlRow['bearer']): Promise<{ readonly token: string; readonly session?: string }> {
  return JSON.parse(await (await api(bearer === 'run' ? '/api/v1/runs' : '/api/v1/tokens', { principal })).text());
}

async function openOf(principal: string): Promise<readonly ApprovalSummary[]> {
  const listed: readonly ApprovalSummary[] = JSON.parse(await (await api('/api/v1/approvals')).text());
  return listed.filter((each) => each.principal === principal && each.state === 'waiting');
}

/** Returns what waits for approval. Fails if the request that should wait has its answer already. */
async function waiting(principal: string, told: Promise<unknown>): Promise<ApprovalSummary> {
  await Promise.race([told, waitUntil(async () => (await openOf(principal)).length > 0)]);
  return (await openOf(principal))[0] ?? assert.fail('it was answered, and does not wait');
}

async function grant({ approval }: ApprovalSummary): Promise<void> {
  assert.equal((await api(`/api/v1/approvals/${approval}/grant`, {})).status, 200);
}

async function recordsOf(principal: string): Promise<readonly ShownRecord[]> {
  const lines = (text: string): readonly string[] => text.split('\n').filter((line) => line !== '');
  const all = lines(await (await api('/api/v1/sessions?facts')).text()).map((line): SessionSummary => JSON.parse(line));
  const sessions = all.filter((each) => each.principal === principal);
  const texts = await Promise.all(sessions.map(async ({ session }) => (await api(`/api/v1/sessions/${session}/records`)).text()));
  return texts.flatMap((text) => lines(text).map((line): ShownRecord => JSON.parse(line)));
}

const cells = controls.flatMap((control, i) => contracts.entries.map((entry, j) => ({ control, entry, principal: `p${i}-${j}`, group: groupOf(i, entry) })));

function groupOf(control: number, { action }: Entry): string {
  return action === undefined ? `c${control}` : `c${control}-${action}`;
}

function scopeOf({ action }: Entry): { readonly action: string; readonly when: string } {
  // To connect, and to cancel what runs, does nothing at the target.
  return action === undefined ? { action: 'action', when: ' when { !context.effects.isEmpty() }' } : { action: `action == Action::"${action}"`, when: '' };
}

describe('every entry and every control', { concurrency: true }, () => {
  before(async () => {
    Object.assign(process.env, contracts.environment);
    mkdirSync(join(directory, 'policies'));
    const policies = controls.flatMap(({ policy }, i) => [
      ...new Map(contracts.entries.map((entry) => [groupOf(i, entry), policy?.(groupOf(i, entry), scopeOf(entry))])).values(),
    ]);
    writeFileSync(join(directory, 'policies', 'rules.cedar'), policies.filter((policy) => policy !== undefined).join('\n'));
    const principals = cells.map(
      ({ principal, group, entry, control: { kind, hasSource } }) =>
        `  ${principal}: { kind: ${kind}, groups: [${group}], targets: [${entry.target}${hasSource === true ? ', source' : ''}] }\n`,
    );
    const listeners = ['http', ...streamProtocols.map(({ id }) => id)].map((id) => `${id}: 127.0.0.1:0`).join(', ');
    const configFile = join(directory, 'countersign.yaml');
    writeFileSync(
      configFile,
      `data: store\nlisten: { ${listeners} }\npolicies: ./policies\nclasses: { words: { pattern: "words-[0-9]{5}" } }\n${targetsOf(contracts.ways)}  source: { url: "${source.url}", inspect: [words] }\nprincipals:\n${principals.join('')}`,
    );
    gateway = await Gateway.open({ logLevel: 'silent', configFile });
    const limited = cells.find(({ control }) => control.name === 'a limit');
    assert.ok(limited !== undefined);
    const limitedClient = limited.entry.connect({ addresses: gateway.addresses, token: (await issue(limited.principal, 'token')).token });
    // Until the gateway knows how much of its limits was used before, it refuses what is under one.
    await waitUntil(async () => !(await limitedClient.ask(newWords())).text.includes('still being read'));
  });

  for (const control of controls) {
    // The answer to a credential that has ended is held back for a while, so these cells wait beside one another.
    describe(control.name, { concurrency: control.policy === undefined }, () => {
      for (const { entry, principal } of cells.filter((cell) => cell.control === control)) {
        test(`B22: ${entry.target}, ${entry.name}: ${control.name}`, async () => {
          const { token, session = null } = await issue(principal, control.bearer);
          const access: Access = { addresses: gateway.addresses, token };
          const open = (): EntryConnection => entry.connect(access);
          const connection = open();
          await control.check({ entry, principal, session, token, open, ask: async (said) => connection.ask(said) });
          await connection.close();
        });
      }
    });
  }

  test('every target of every protocol has entries', () => {
    assert.deepEqual([...new Set(contracts.entries.map(({ target }) => target))].toSorted(), contractTargets.toSorted());
    assert.ok(contracts.ways.length >= testedProtocols.length);
  });
});
