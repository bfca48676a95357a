import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { builtInRoles } from '../access/roles.ts';
import { rightsOf, ruledRights, sightOf, wholeSight, withoutGuarded, type Sight } from '../access/rights.ts';
import type { ActRule, Extent, Names } from '../domain/recording-rules.ts';
import { GatewayError } from '../domain/errors.ts';
import type { FoundRecord, SearchLine, WantedRecords } from './found.ts';
import { openRecorder } from '../recording/testdata/open-recorder.ts';
import { openRecordSearch } from './testdata/open-record-search.ts';

const words = ['apple', 'bread', 'cheer', 'drift'] as const;
const people = ['ann', 'bob'] as const;
const targets = ['orders', 'wiki'] as const;
const tables = ['cards', 'items'] as const;

/** A step of the recordings: a request with its answer, a reading by somebody, or an alert. Sessions and channels are opened by the first step that is in them. */
interface Step {
  readonly session: number;
  readonly channel: number;
  readonly kind: 'request' | 'access' | 'alert';
  readonly words: readonly string[];
  readonly table: string;
  readonly secret: string;
  readonly by: string;
  readonly verdict: 'allow' | 'deny';
  readonly class: 'card' | 'health' | null;
  /** When it is written, in ms after the beginning. The steps before may be later. */
  readonly afterMs: number;
}

/** A record that is to be written. `needs` are the marks of the records that it refers to. */
interface Draft {
  readonly mark: string;
  readonly timeMs: number;
  readonly step: Step;
  readonly kind: Step['kind'] | 'opening' | 'response';
  readonly needs: readonly string[];
}

const startMs = Date.UTC(2026, 10, 2, 12);
const nowMs = startMs + 86_400_000;
const word = fc.constantFrom(...words);

const steps = fc.array(
  fc.record<Step>({
    session: fc.nat(2),
    channel: fc.nat(1),
    kind: fc.constantFrom('request', 'request', 'request', 'access', 'alert'),
    words: fc.array(word, { minLength: 1, maxLength: 3 }),
    table: fc.constantFrom(...tables),
    secret: word,
    by: fc.constantFrom(...people),
    verdict: fc.constantFrom('allow', 'allow', 'deny'),
    class: fc.constantFrom('card', 'health', null),
    afterMs: fc.nat(999),
  }),
  { minLength: 4, maxLength: 16 },
);

const term = fc.oneof(
  fc.constantFrom(...people).map((name) => `principal:${name}`),
  fc.constantFrom(...targets).map((name) => `target:${name}`),
  fc.constantFrom(...tables).map((name) => `table:${name}`),
  fc.constantFrom('request', 'response', 'access', 'alert', 'statement', 'decision').map((name) => `kind:${name}`),
  fc.constantFrom('verdict:deny', 'class:card', 'class:*', 'rows:>300', 'bytes:>12', 'on-behalf-of:bob', 'group:staff', 'countersign.access.what:*'),
  fc.nat(999).map((afterMs) => `since:2026-11-02T12:00:00.${String(afterMs).padStart(3, '0')}Z`),
);
const asked = fc.oneof(
  term,
  word,
  fc.tuple(word, word).map((pair) => `"${pair.join(' ')}"`),
  word.map((secret) => `test.secret:${secret}`),
);

/** Asks for what is content in the ways in which it can be asked for. */
const fixedQuestions: readonly Wanted[] = [
  { query: '', answer: { countBy: 'test.secret' }, limit: 100 },
  { query: 'apple', answer: 'records', limit: 100 },
  { query: 'not (apple or test.secret:bread)', answer: 'sessions', limit: 100 },
];

/** Joins terms into queries of some depth. */
function queriesOf(terms: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.letrec<{ query: string }>((tie) => ({
    query: fc.oneof(
      { maxDepth: 2 },
      terms,
      tie('query').map((part) => `not (${part})`),
      fc.tuple(tie('query'), fc.constantFrom(' ', ' or '), tie('query')).map(([a, by, b]) => `(${a}${by}${b})`),
    ),
  })).query;
}

const question = fc.record({
  query: fc.oneof(fc.constant(''), queriesOf(asked)),
  answer: fc.oneof(
    fc.constant('records' as const),
    fc.constant('sessions' as const),
    fc.constantFrom('principal', 'target', 'kind', 'table', 'class', 'session', 'test.secret', 'bytes').map((countBy) => ({ countBy })),
  ),
  limit: fc.constantFrom(2, 100),
});

function draftsOf(all: readonly Step[]): readonly Draft[] {
  const opened = new Set<string>();
  let timeMs = startMs;
  return all.flatMap((step, i): readonly Draft[] => {
    timeMs = Math.max(timeMs, startMs + step.afterMs);
    if (step.kind === 'access') {
      return [{ mark: `m${i}a`, timeMs, step, kind: step.kind, needs: [] }];
    }
    const opening = `o${step.session}-${step.channel}`;
    const first: readonly Draft[] = opened.has(opening) ? [] : [{ mark: opening, timeMs, step, kind: 'opening', needs: [] }];
    opened.add(opening);
    const act: Draft = { mark: `m${i}q`, timeMs, step, kind: step.kind, needs: [opening] };
    const answer: Draft = { mark: `m${i}r`, timeMs, step, kind: 'response', needs: [opening, act.mark] };
    return [...first, act, ...(step.kind === 'request' ? [answer] : [])];
  });
}

/** The id of a session. */
function idOf(session: number): string {
  return String(session + 1).repeat(32);
}

/** Another word of the same length. */
function other(text: string): string {
  return words[(words.findIndex((each) => each === text) + 1) % words.length] ?? text;
}

type Wanted = Pick<WantedRecords, 'query' | 'answer' | 'limit'>;

async function collect<Row>(rows: AsyncIterable<Row>): Promise<readonly Row[]> {
  const all: Row[] = [];
  for await (const row of rows) {
    all.push(row);
  }
  return all;
}

/** A store with these records. The content of those in `changed` is another one of the same length. */
async function openStoreOf(drafts: readonly Draft[], changed: ReadonlySet<string>) {
  const data = mkdtempSync(join(tmpdir(), 'countersign-sight-'));
  let clockMs = startMs;
  let nextId = idOf(8);
  const { recorder, keys } = await openRecorder(data, { clock: () => clockMs, newSessionId: () => nextId });
  const { search, follower, recordings } = await openRecordSearch(data, recorder, keys);
  const used = new Set(drafts.flatMap(({ step, kind }) => (kind === 'access' ? [] : [step.session])));
  const tracks = [0, 1, 2].map((session) => {
    nextId = idOf(session);
    return used.has(session) ? recorder.openSession() : null;
  });
  /** The number of the next record of each session, and the numbers of those that are there. */
  const next = tracks.map(() => 1);
  const seqs = new Map<string, number>();
  for (const { mark, timeMs, step, kind } of drafts) {
    clockMs = timeMs;
    if (kind === 'access') {
      const content = [Buffer.from(JSON.stringify({ by: step.by, address: '' }))];
      recorder.appendFromReserve(recorder.own, { kind, meta: JSON.stringify({ what: `show ${mark}`, session: null }), content, contentIsFacts: true });
      continue;
    }
    const { session, channel } = step;
    const isChanged = changed.has(mark);
    const [secret, text] = isChanged ? [other(step.secret), step.words.map(other)] : [step.secret, step.words];
    const request = seqs.get(mark.replace(/r$/, 'q'));
    const attributes = {
      'db.namespace': mark,
      'test.secret': secret,
      ...(kind === 'request' ? { 'countersign.tables': [`public.${step.table}`], 'countersign.statements': ['select'], 'countersign.effects': ['read'] } : {}),
      ...(kind === 'response' ? { 'db.response.returned_rows': step.afterMs, ...(step.class === null ? {} : { 'countersign.classes': [step.class] }) } : {}),
    };
    const person = people[session % people.length] ?? '';
    const opens = { principal: person, groups: session === 0 ? ['staff'] : [], clientAddress: '', target: targets[channel] ?? '', protocol: 'postgres' };
    const meta = {
      channel,
      action: `postgres.${kind}`,
      ...(kind === 'response' ? { request } : { verdict: step.verdict }),
      attributes,
      ...(kind === 'opening' ? { opens: { ...opens, ...(session === 2 ? { onBehalfOf: 'bob' } : {}) } } : {}),
    };
    const statement = `select ${text.join(' ')}`;
    const length = Buffer.alloc(4);
    length.writeUInt32BE(statement.length + 5);
    const track = tracks[session] ?? assert.fail();
    recorder.append(track, {
      kind: kind === 'opening' ? 'decision' : kind,
      meta: JSON.stringify(meta),
      content: kind === 'request' ? [Buffer.from(`Q${length.toString('latin1')}${statement}\0`)] : [],
    });
    seqs.set(mark, next[session] ?? 0);
    next[session] = (next[session] ?? 0) + 1;
  }
  clockMs = startMs + 1000;
  const [, closing] = tracks;
  if (closing !== null && closing !== undefined) {
    recorder.closeSession(closing, 'client');
  }
  await new Promise<void>((resolve) => {
    recorder.whenCommitted('disk', resolve);
  });
  const checkpoint = await recorder.publish();
  const ask = async (wanted: Wanted, sight: Sight, before: number | null = null): Promise<readonly SearchLine[]> =>
    collect(search.search({ besides: [], nowMs, before, ...wanted, sight, checkpoint }));
  const exported = async (query: string, sight: Sight): Promise<unknown> => {
    const wanted = { query, besides: [], nowMs, from: 0, follows: false, sight, checkpoint };
    return (await collect(search.inOrder(wanted, new AbortController().signal))).map(({ found, shown: whole }) => ({ found, whole }));
  };
  const all = (await ask({ query: '', answer: 'records', limit: 10_000 }, wholeSight)).filter((line) => 'verified' in line);
  assert.ok(all.every(({ verified }) => verified));
  const marks = new Map(all.flatMap((record) => [[record.record, markOf(record)] as const, [`${record.session}/${record.seq}`, markOf(record)] as const]));
  return {
    recordings,
    search,
    ask,
    exported,
    marks,
    [Symbol.asyncDispose]: async () => {
      await follower[Symbol.asyncDispose]();
      await recorder[Symbol.asyncDispose]();
      keys[Symbol.dispose]();
      rmSync(data, { recursive: true, force: true });
    },
  };
}

type Store = Awaited<ReturnType<typeof openStoreOf>>;

/** Returns the mark of a record; its kind if it has none, as the end of a session. */
function markOf({ kind, attributes }: Pick<FoundRecord, 'kind' | 'attributes'>): string {
  return String(attributes['db.namespace'] ?? /m\d+a/.exec(String(attributes['countersign.access.what'] ?? ''))?.[0] ?? kind);
}

/** Attributes that differ in each store: its keys, and how many records a session has. */
const ofStore = /^countersign\.(?:open|close|key|epoch)\./;

/** Puts the marks of records in the place of their numbers, which differ between stores with more and with fewer records. */
function comparable(value: unknown, { marks }: Store): unknown {
  return JSON.parse(
    JSON.stringify(value, (name, member: unknown) => {
      if (member !== null && typeof member === 'object' && 'sign' in member) {
        return { ...member, seq: null };
      }
      if (member === null || typeof member !== 'object' || !('session' in member)) {
        return name === 'record' ? marks.get(String(member)) : ofStore.test(name) ? undefined : member;
      }
      const { session } = member;
      const nameOf = (seq: unknown): unknown => (typeof seq === 'number' ? marks.get(`${String(session)}/${seq}`) : seq);
      const attributes = 'attributes' in member ? Object.entries(Object.assign({}, member.attributes)) : [];
      return {
        ...member,
        ...('seq' in member ? { seq: nameOf(member.seq) } : {}),
        ...(attributes.length === 0
          ? {}
          : {
              attributes: Object.fromEntries(
                attributes.map(([key, of]) => [key, ['countersign.request', 'countersign.opening', 'countersign.environment'].includes(key) ? nameOf(of) : of]),
              ),
            }),
      };
    }),
  );
}

/** Returns the outcome of something that is asked of a store, in a form that can be compared. */
async function outcome(store: Store, act: () => Promise<unknown>): Promise<unknown> {
  try {
    return comparable(await act(), store);
  } catch (error) {
    if (error instanceof GatewayError) {
      return `${error.code}: ${error.message.replaceAll(/\d+/g, 'N')}`;
    }
    throw error;
  }
}

/** Asks a question, page after page. */
async function pages(store: Store, wanted: Wanted, sight: Sight): Promise<unknown> {
  const lines: unknown[] = [];
  let before: number | null = null;
  do {
    const page: readonly SearchLine[] = await store.ask(wanted, sight, before);
    const last = page.at(-1);
    const summary = last !== undefined && 'summary' in last ? last.summary : null;
    lines.push(...page.slice(0, -1), { ...summary, next: summary?.next === null });
    before = summary === null || summary.next === null ? null : Number(summary.next);
  } while (before !== null);
  return lines;
}

async function shown(store: Store, session: string, sight: Sight): Promise<unknown> {
  const found = await store.search.findSession(session, sight.facts);
  return collect(store.recordings.show(found, null, store.search.viewOf(sight)));
}

async function located(store: Store, mark: string, sight: Sight): Promise<unknown> {
  const [record = '/999999'] = [...store.marks].find(([name, of]) => of === mark && name.includes('/') && name.length < 32) ?? [];
  const { seq, found } = await store.search.locate(Number(record.split('/')[1]), sight.facts);
  return { session: found.session, seq };
}

const none: Names = { isAllBut: false, names: [] };
const all: Names = { isAllBut: true, names: [] };
const nowhere: Extent = { targets: none, classes: none, gateway: false };

/** Some of what policies may forbid bob, by whose records it is, and the same as a query. */
const forbiddable: readonly (readonly [own: Extent, others: Extent, query: string])[] = [
  [nowhere, nowhere, 'target:nowhere'],
  [{ ...nowhere, targets: { isAllBut: false, names: ['wiki'] } }, { ...nowhere, targets: { isAllBut: false, names: ['wiki'] } }, 'target:wiki'],
  [
    { ...nowhere, targets: { isAllBut: true, names: ['orders'] }, gateway: true },
    { ...nowhere, targets: { isAllBut: true, names: ['orders'] }, gateway: true },
    'not target:orders',
  ],
  [{ ...nowhere, classes: { isAllBut: true, names: ['card'] } }, { ...nowhere, classes: { isAllBut: true, names: ['card'] } }, 'class:health'],
  [nowhere, { ...nowhere, targets: all }, 'target:* not (principal:bob or on-behalf-of:bob)'],
];
const forbidden = fc.constantFrom(...forbiddable);

/** Makes the rule of policies that permit bob an act with the records of wiki, and forbid it with others. */
function ruleOf(act: ActRule['act'], [own, others]: (typeof forbiddable)[number]): ActRule {
  const wiki = { ...nowhere, targets: { isAllBut: false, names: ['wiki'] } };
  return { act, permitted: { own: wiki, others: wiki }, forbidden: { own, others }, policies: [], reason: null };
}

test('B21: no answer tells whether records that somebody may not see exist, nor what content says that they may not read', async () => {
  await fc.assert(
    fc.asyncProperty(
      steps,
      fc.tuple(queriesOf(term), queriesOf(term)),
      fc.tuple(forbidden, forbidden),
      fc.array(question, { minLength: 3, maxLength: 3 }),
      async (given, [facts, content], [hidden, sealed], questions) => {
        const drafts = draftsOf(given);
        const roles = [
          { name: 'facts', role: 'operator', groups: [], may: builtInRoles.operator.may, conditions: [facts], expiresMs: null },
          { name: 'content', role: 'analyst', groups: [], may: builtInRoles.analyst.may, conditions: [content], expiresMs: null },
        ] as const;
        // Two persons have opened one session. In all others, content of the class card is not for one alone.
        const rules = { rules: [ruleOf('search', hidden), ruleOf('content', sealed)], policyVersion: '' };
        const rights = withoutGuarded(ruledRights(rightsOf(roles, 'bob', nowMs), rules, 'bob'), {
          classes: ['card'],
          opened: [{ is: 'term', field: 'session', test: { by: 'equal', value: idOf(0) } }],
        });
        const sight = sightOf(rights, 'search');
        await using whole = await openStoreOf(drafts, new Set());
        const marksOf = async (query: string): Promise<ReadonlySet<string>> => {
          const found = await whole.ask({ query, answer: 'records', limit: 10_000 }, wholeSight);
          return new Set(found.flatMap((line) => ('verified' in line ? [markOf(line)] : [])));
        };
        const frame = 'kind:(open or close)';
        const [seen, read] = [
          await marksOf(`((${facts}) or (${content}) or target:wiki) not ${frame} not (${hidden[2]})`),
          await marksOf(`((${content}) or target:wiki) not ${frame} not (${sealed[2]}) (not class:card or session:${idOf(0)})`),
        ];
        // Drafts come after those that they need.
        const kept = new Set(seen);
        for (const { mark, needs } of drafts.toReversed()) {
          for (const need of kept.has(mark) ? needs : []) {
            kept.add(need);
          }
        }
        await using part = await openStoreOf(
          drafts.filter(({ mark }) => kept.has(mark)),
          new Set([...seen].filter((mark) => !read.has(mark))),
        );
        const same = async (act: (store: Store) => Promise<unknown>): Promise<void> => {
          assert.deepEqual(await outcome(part, async () => act(part)), await outcome(whole, async () => act(whole)));
        };
        for (const asking of [...fixedQuestions, ...questions]) {
          await same(async (store) => pages(store, asking, sight));
        }
        const [{ query } = { query: '' }] = questions;
        await same(async ({ exported }) => exported(query, sight));
        for (const order of ['oldest', 'newest'] as const) {
          await same(async ({ search }) => collect(search.sessions({ which: 'all', order, query: null, began: [], nowMs, sight })));
          await same(async ({ search }) => collect(search.sessions({ which: 'clients', order, query, began: [], nowMs, sight, limit: 2 })));
        }
        for (const id of [0, 1, 2, 7].map(idOf)) {
          await same(async (store) => shown(store, id, sight));
          await same(async ({ search }) => collect(search.sessions({ which: 'all', after: id, query: null, began: [], nowMs, sight })));
          await same(async ({ search }) => collect(search.list({ which: 'all', begin: id.slice(0, 31) }, sight.facts)));
        }
        for (const { mark } of drafts.slice(0, 8)) {
          await same(async (store) => located(store, mark, sight));
        }
      },
    ),
    { numRuns: 10 },
  );
});
