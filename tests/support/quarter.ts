import { simpleQuery } from '../../gateway/src/protocols/postgres/compose.ts';
import { openRecorder } from '../../gateway/src/recording/testdata/open-recorder.ts';

const dayMs = 86_400_000;
const minuteMs = 60_000;
const days = 89;
/** The acts of a principal on one day are so far apart, from eight o'clock on. */
const stepMs = 75 * minuteMs;
const actsPerDay = 8;
const opensAtMs = 8 * 60 * minuteMs;
const principals = ['agent-a', 'agent-b', 'agent-c', 'ann'];
const models = ['gpt-4o', 'gpt-4o-mini', 'claude-sonnet'];
const tables = ['public.customers', 'public.orders', 'public.invoices'];

/** Something that a principal did. Each record is named `SESSION#NUMBER`. */
export interface Act {
  readonly what: 'ask' | 'change' | 'read' | 'refused';
  readonly timeMs: number;
  readonly principal: string;
  readonly session: string;
  /** The model that was asked, or that asked for the change; null: none. */
  readonly model: string | null;
  readonly table: string | null;
  /** The policy that allowed or denied it. */
  readonly policy: string;
  /** True if its answer had the number of a payment card. */
  readonly hasCard: boolean;
  readonly request: string;
  /** The answer; null: there was none. */
  readonly answer: string | null;
}

/**
 * Records what four principals did in the 89 days before today, each in one session a day, as the gateway records it: prompts and answers of models, the statements that models asked for,
 * reads of tables and refusals. Nothing is random. Returns all acts, in the order of time.
 */
export async function makeQuarter(data: string, todayMs: number): Promise<readonly Act[]> {
  const beginMs = Math.floor(todayMs / dayMs) * dayMs - days * dayMs;
  let nowMs = beginMs;
  const { recorder, keys } = await openRecorder(data, { clock: () => nowMs });
  const acts: Act[] = [];
  for (let day = 0; day < days; day++) {
    nowMs = beginMs + day * dayMs + opensAtMs;
    const sessions = principals.map((principal) => ({ principal, track: openDay(recorder, principal) }));
    for (let step = 0; step < actsPerDay; step++) {
      nowMs += stepMs;
      for (const [i, { principal, track }] of sessions.entries()) {
        acts.push(...recordActs(recorder, { track, principal, timeMs: nowMs, number: (day * actsPerDay + step) * principals.length + i }));
      }
    }
    for (const { track } of sessions) {
      recorder.closeSession(track, 'client');
    }
    await new Promise<void>((resolve) => {
      recorder.whenCommitted('process', resolve);
    });
  }
  await recorder[Symbol.asyncDispose]();
  keys[Symbol.dispose]();
  return acts;
}

type Recorder = Awaited<ReturnType<typeof openRecorder>>['recorder'];
type Track = ReturnType<Recorder['openSession']>;

const channels = { model: 1, database: 2 };

function openDay(recorder: Recorder, principal: string): Track {
  const track = recorder.openSession();
  for (const [channel, target, protocol] of [
    [channels.model, 'openai', 'llm'],
    [channels.database, 'shop', 'postgres'],
  ] as const) {
    const opens = { principal, groups: ['agents'], clientAddress: '10.0.0.7', target, protocol };
    const meta = { channel, action: 'gateway.authenticate', verdict: 'allow', policies: [`grant:${principal}:${target}`], opens };
    recorder.append(track, { kind: 'decision', meta: JSON.stringify(meta), content: [] });
  }
  return track;
}

interface Moment {
  readonly track: Track;
  readonly principal: string;
  readonly timeMs: number;
  readonly number: number;
}

function recordActs(recorder: Recorder, { track, principal, timeMs, number }: Moment): readonly Act[] {
  const append = (kind: 'request' | 'response', meta: object, content: Uint8Array): number =>
    recorder.append(track, { kind, meta: JSON.stringify(meta), content: [content] });
  const named = (seq: number): string => `${track.id}#${seq}`;
  const base = { timeMs, principal, session: track.id, model: null, table: null, hasCard: false };
  const table = tables[number % tables.length] ?? '';
  const statement = (
    verb: 'select' | 'update',
    { verdict, policy, call }: { readonly verdict: string; readonly policy: string; readonly call?: string },
  ): number =>
    append(
      'request',
      {
        channel: channels.database,
        action: 'postgres.query',
        verdict,
        policies: [policy],
        attributes: {
          'countersign.statements': [verb],
          'countersign.effects': verb === 'select' ? ['read'] : ['read', 'write'],
          'countersign.tables': [table],
          ...(verb === 'select' ? { 'countersign.reads': [table] } : { 'countersign.writes': [table] }),
          ...(call === undefined ? {} : { 'gen_ai.tool.call.id': [call] }),
        },
      },
      simpleQuery(verb === 'select' ? `SELECT * FROM ${table}` : `UPDATE ${table} SET note = 'seen' WHERE id = ${number}`),
    );
  const answer = (request: number, attributes: object): number => append('response', { channel: channels.database, request, attributes }, Buffer.from('rows'));
  if (number % 5 === 0) {
    const model = models[(number / 5) % models.length] ?? '';
    const policy = 'grant:agents:openai';
    const call = `call_${number}`;
    const facts = { 'gen_ai.operation.name': 'chat', 'gen_ai.provider.name': 'openai', 'gen_ai.request.model': model, 'countersign.effects': ['read'] };
    const prompt = JSON.stringify({ model, messages: [{ role: 'user', content: `What of order ${number}?` }] });
    const asked = append(
      'request',
      { channel: channels.model, action: 'llm.chat', verdict: 'allow', policies: [policy], attributes: facts },
      Buffer.from(prompt),
    );
    const said = append(
      'response',
      { channel: channels.model, request: asked, attributes: { 'gen_ai.response.model': `${model}-2026`, 'gen_ai.tool.call.id': [call] } },
      Buffer.from('{}'),
    );
    const ask: Act = { ...base, what: 'ask', model, policy, request: named(asked), answer: named(said) };
    const updates = 'grant:agents:shop';
    const changed = statement('update', { verdict: 'allow', policy: updates, call });
    const done = answer(changed, { 'db.response.returned_rows': 0 });
    return [ask, { ...base, what: 'change', model, table, policy: updates, request: named(changed), answer: named(done) }];
  }
  if (number % 11 === 0) {
    const policy = 'no-reads-at-lunch';
    return [{ ...base, what: 'refused', table, policy, request: named(statement('select', { verdict: 'deny', policy })), answer: null }];
  }
  const policy = principal === 'ann' ? 'people-read' : `grant:${principal}:shop`;
  const hasCard = number % 13 === 0;
  const read = statement('select', { verdict: 'allow', policy });
  const rows = answer(read, { 'db.response.returned_rows': number % 100, ...(hasCard ? { 'countersign.classes': ['card'] } : {}) });
  return [{ ...base, what: 'read', table, policy, hasCard, request: named(read), answer: named(rows) }];
}
