import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openStoreFiles } from '../../cli/src/store-files.ts';
import { verifyFile, verifyStore } from '@countersign/ledger';
import type { GatewayProcess } from './gateway-process.ts';

/** The evidence that somebody outside got from the gateway and keeps. */
export interface Evidence {
  readonly checkpoint: string;
  /** A receipt of the newest record under the checkpoint. */
  readonly receipt: Uint8Array;
}

export async function takeEvidence(gateway: GatewayProcess): Promise<Evidence> {
  const checkpoint = readFileSync(join(gateway.data, 'log', 'checkpoint'), 'utf8');
  const [, log, size] = /^countersign\/([0-9a-f]{16})\n(\d+)\n/.exec(checkpoint) ?? [];
  const answer = await gateway.apiWhenReadable(`/api/v1/receipts/${log}/${Number(size) - 1}`);
  assert.equal(answer.status, 200, await answer.clone().text());
  return { checkpoint, receipt: await answer.bytes() };
}

/** Checks that each receipt holds, and that the store is a later state of each checkpoint. */
export async function assertEvidence(gateway: GatewayProcess, evidence: readonly Evidence[]): Promise<void> {
  const keys = [readFileSync(join(gateway.data, 'log', 'key'), 'utf8').trim()];
  assert.ok(evidence.length > 0);
  for (const { checkpoint, receipt } of evidence) {
    const proven = await verifyFile(receipt, { keys });
    assert.equal(proven.verdict, 'holds', JSON.stringify(proven.findings));
    const store = await verifyStore(openStoreFiles(gateway.data), { keys, known: checkpoint });
    assert.equal(store.verdict, 'holds', JSON.stringify(store.findings));
  }
}

/** Stops the gateway in good order, and checks that the store holds. */
export async function assertStopsWhole(gateway: GatewayProcess): Promise<void> {
  assert.equal(await gateway.signal('SIGTERM'), 0);
  const { status, stdout } = gateway.verify();
  assert.equal(status, 0, stdout);
}
