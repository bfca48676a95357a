import { openRecorder } from '../gateway/src/recording/testdata/open-recorder.ts';
import type { Recorder } from '../gateway/src/recording/recorder.ts';

/** A store of this many records has records of so many days. A smaller one is a part of it: it has the newest of its time. */
export const aimedStore = { records: 50_000_000, days: 90 } as const;
const recordMs = (aimedStore.days * 86_400_000) / aimedStore.records;

/** So many records come in a burst, and then none until the time of the next burst: a recorder notes each pause on the record. */
const burstRecords = 1000;
/** Between two records of a burst. */
const burstRecordMs = 2;
/** How many sessions are open at a time, and how long each is. */
const shapeDefault = { sessionsAtOnce: 16, turnsPerSession: 20 } as const;
const principals = 20;
const models = ['gpt-4o', 'gpt-4o-mini', 'claude-sonnet', 'gemini-pro', 'local-7b'];
const tables = Array.from({ length: 60 }, (_, i) => (i === 0 ? 'public.customers' : `public.table_${i}`));
const topics = ['refund policy', 'delivery date', 'invoice number', 'broken screen', 'account closure', 'price list', 'opening hours', 'new password'];
/** One of so many answers of a model is in two records. */
const turnsPerLongAnswer = 8;
const answerHead = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n';
const verbs = ['select', 'select', 'select', 'select', 'update', 'delete'];

/**
 * Records what agents do, in the form of PostgreSQL and of models: each turn is a prompt, its answer, a statement that it leads to, and its rows. Some sessions are open at a time, and
 * one turn of each is written together. Nothing is random but names and keys, so that a store is the same each time. It has the records that are asked for and up to a few hundred more, the ends of
 * sessions. `onProgress` is told how many there are.
 */
export async function makeStore(
  data: string,
  records: number,
  onProgress: (records: number) => void,
  { sessionsAtOnce, turnsPerSession }: { readonly sessionsAtOnce: number; readonly turnsPerSession: number } = shapeDefault,
): Promise<void> {
  const endMs = Date.now();
  let size = 0;
  const { recorder, keys } = await openRecorder(data, {
    clock: () => endMs - Math.ceil(Math.max(0, records - size) / burstRecords) * burstRecords * recordMs + (size % burstRecords) * burstRecordMs,
  });
  const committed = (): Promise<void> =>
    new Promise((resolve) => {
      recorder.whenCommitted('process', resolve);
    });
  let begun = 0;
  const open = new Set<Generator<void>>();
  while (recorder.size < records) {
    while (open.size < sessionsAtOnce) {
      open.add(recordSession(recorder, begun, turnsPerSession));
      begun += 1;
    }
    for (const session of open) {
      ({ size } = recorder);
      if (session.next().done === true) {
        open.delete(session);
      }
    }
    await committed();
    onProgress(recorder.size);
  }
  await recorder[Symbol.asyncDispose]();
  keys[Symbol.dispose]();
}

/** Records a session, one turn of its agent at a time. */
function* recordSession(recorder: Recorder, session: number, turnsPerSession: number): Generator<void> {
  const track = recorder.openSession();
  const principal = `agent-${session % principals}`;
  const append = (kind: 'request' | 'response' | 'decision', meta: object, content: string, continues = false): number =>
    recorder.append(track, { kind, meta: JSON.stringify(meta), content: content === '' ? [] : [Buffer.from(content)], continues });
  for (const [channel, target, protocol] of [[1, 'openai', 'llm'] as const, [2, 'orders', 'postgres'] as const]) {
    const opens = { principal, groups: ['agents'], clientAddress: '10.0.0.7', target, protocol };
    append('decision', { channel, action: 'gateway.authenticate', verdict: 'allow', policies: [`grant:${principal}:${target}`], opens }, '');
  }
  for (let turn = 0; turn < turnsPerSession; turn++) {
    const i = session * turnsPerSession + turn;
    const model = models[i % models.length];
    const topic = topics[(i * 7) % topics.length] ?? '';
    const table = tables[(i * 13) % tables.length] ?? '';
    const verb = verbs[(i * 11) % verbs.length] ?? '';
    const verdict = i % 40 === 0 ? 'deny' : 'allow';
    const allowed = { verdict, policies: ['grant:agents:openai'], policyVersion: 'f467a0e734c95f2f' };
    const body = JSON.stringify({ model, messages: [{ role: 'user', content: `Customer ${i % 5000} asks about the ${topic} of order ${i % 100_000}.` }] });
    const asked = append(
      'request',
      {
        channel: 1,
        action: 'llm.chat',
        ...allowed,
        attributes: {
          'gen_ai.operation.name': 'chat',
          'gen_ai.provider.name': 'openai',
          'gen_ai.request.model': model,
          'gen_ai.request.temperature': 0,
          'countersign.modalities': ['text'],
          'countersign.effects': ['read'],
        },
      },
      `POST /v1/chat/completions HTTP/1.1\r\nhost: api.openai.com\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
    const answer = `{"id":"chatcmpl-${i}","model":"${model}-2026","choices":[{"message":{"role":"assistant","content":"I look at the ${topic} of customer ${i % 5000}."}}]}`;
    const answered = {
      'http.response.status_code': 200,
      'gen_ai.response.id': `chatcmpl-${i}`,
      'gen_ai.response.model': `${model}-2026`,
      'gen_ai.response.finish_reasons': ['stop'],
      'gen_ai.usage.input_tokens': 100 + (i % 900),
      'gen_ai.usage.output_tokens': 20 + (i % 80),
      'countersign.duration_ms': (i * 7919) % 2000,
    };
    const cut = i % turnsPerLongAnswer === 0 ? 80 : 0;
    if (cut > 0) {
      append('response', { channel: 1, request: asked }, answerHead + answer.slice(0, cut), true);
    }
    append('response', { channel: 1, request: asked, attributes: answered }, (cut > 0 ? '' : answerHead) + answer.slice(cut));
    const effects = verb === 'select' ? ['read'] : verb === 'update' ? ['read', 'write'] : ['destroy', 'write'];
    const sql =
      verb === 'select'
        ? `SELECT * FROM ${table} WHERE id = ${i % 5000}`
        : verb === 'update'
          ? `UPDATE ${table} SET note = 'x' WHERE id = ${i % 5000}`
          : `DELETE FROM ${table} WHERE id = ${i % 5000}`;
    const stated = append(
      'request',
      {
        channel: 2,
        action: 'postgres.query',
        ...allowed,
        policies: ['grant:agents:orders'],
        attributes: {
          'db.system.name': 'postgresql',
          'db.namespace': 'orders',
          'countersign.effects': effects,
          'countersign.statements': [verb],
          'countersign.tables': [table],
          'countersign.columns': [`${table}.id`, `${table}.note`],
          'countersign.filters_on': [`${table}.id`],
          ...(verb === 'select' ? { 'countersign.reads': [table] } : { 'countersign.writes': [table] }),
        },
      },
      queryMessage(sql),
    );
    append(
      'response',
      {
        channel: 2,
        request: stated,
        attributes: {
          'db.response.returned_rows': i % 12,
          'countersign.duration_ms': ((i * 7919) % 20_000) / 1000,
          ...(i % 25 === 0 ? { 'countersign.classes': ['card'] } : {}),
        },
      },
      `C\0\0\0\rSELECT ${i % 10}\0Z\0\0\0\u0005I`,
    );
    yield;
  }
  recorder.closeSession(track, 'client');
}

/** A Query message, https://www.postgresql.org/docs/current/protocol-message-formats.html */
function queryMessage(sql: string): string {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(sql.length + 5);
  return `Q${length.toString('latin1')}${sql}\0`;
}
