/** Answers what the console asks a gateway, from the evidence in the page. */
import { BundledSession, messageBytes, type OpenedRecord } from '@countersign/gateway/bundled-session';
import { encodeUtf8, formatReceipt } from '@countersign/ledger/format';
import { ApiProblem, type Input, type Operation } from '../api/ask.ts';
import type { Operations, Schemas } from '../api/schema.ts';
import { showSession, type Evidence } from './archive.ts';
import { nameOf } from './erased.ts';

export { ApiProblem, isLost, lostMs, type Input, type Operation } from '../api/ask.ts';

/** The evidence that answers. A page has one. */
const answering: { evidence: Evidence | null } = { evidence: null };

export function answerFrom(evidence: Evidence): void {
  answering.evidence = evidence;
}

function notHere(): ApiProblem {
  return new ApiProblem({ code: 'not_found', detail: 'This is not in the file.', status: 404 });
}

export async function ask<Name extends Operation>(): Promise<Operations[Name]['answer']> {
  return Promise.reject(notHere());
}

export async function askFile<Name extends Operation>(name: Name, { path = {}, query = {} }: Input<Name> = {}): Promise<Uint8Array<ArrayBuffer>> {
  const { evidence } = answering;
  const asked: Readonly<Record<string, unknown>> = { ...path, ...query };
  if (evidence !== null) {
    if (name === 'GET /log/key') {
      return Uint8Array.from(encodeUtf8(evidence.header.key));
    }
    if (name === 'GET /log/keys' && evidence.header.keyring !== null) {
      return Uint8Array.from(encodeUtf8(evidence.header.keyring));
    }
    if (name === 'GET /api/v1/receipts/{log}/{index}') {
      return receiptOf(evidence, `${String(asked['log'])}/${String(asked['index'])}`);
    }
    if (name === 'GET /api/v1/sessions/{session}/records/{record}/bytes') {
      return bytesOf(evidence, String(asked['session']), Number(asked['record']), String(asked['bytes']));
    }
  }
  throw notHere();
}

function receiptOf({ sessions, governance, checkpoint }: Evidence, wanted: string): Uint8Array<ArrayBuffer> {
  const record = [...sessions.flatMap(({ records }) => records), ...governance].find((each) => nameOf(each) === wanted);
  if (record === undefined) {
    throw notHere();
  }
  const { index, leaf, proof } = record;
  return Uint8Array.from(encodeUtf8(formatReceipt({ index, leaf, proof, checkpoint })));
}

async function bytesOf({ sessions }: Evidence, session: string, record: number, range: string): Promise<Uint8Array<ArrayBuffer>> {
  const found = sessions.find((each) => each.session === session);
  const [from, to] = range.split('-').map(Number);
  if (found === undefined) {
    throw notHere();
  }
  const parts: Uint8Array[] = [];
  for await (const part of messageBytes(inTurn(showSession(found).opened), session, { record, from: from ?? 0, to: to ?? null })) {
    parts.push(part);
  }
  return new Uint8Array(await new Blob(parts.map((part) => Uint8Array.from(part))).arrayBuffer());
}

async function* inTurn(records: readonly OpenedRecord[]): AsyncGenerator<OpenedRecord> {
  for (const record of records) {
    yield Promise.resolve(record);
  }
}

/** Yields the record of a version of the policies. */
export async function* lines<Name extends Operation>(_name: Name, { path = {} }: Input<Name> = {}): AsyncGenerator<readonly Schemas['ShownRecord'][]> {
  const { version }: Readonly<Record<string, unknown>> = { ...path };
  const record = answering.evidence?.policies.get(String(version));
  if (record === undefined) {
    throw notHere();
  }
  yield Promise.resolve([new BundledSession().show(record).shown]);
}
