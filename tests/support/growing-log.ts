import assert from 'node:assert/strict';
import type { RunningGateway } from '../../gateway/src/api/testdata/running-gateway.ts';

/** A principal of the configuration who may read the log. */
export const auditors = '  eve: { kind: human, groups: [auditors], targets: [] }\n';

/** Returns the headers by which the auditor asks. */
export async function auditorOf(running: RunningGateway): Promise<Readonly<Record<string, string>>> {
  const { token } = await running.json('POST', '/api/v1/tokens', { principal: 'eve' });
  return { authorization: `Bearer ${String(token)}` };
}

/** Adds some records to the log, under a published checkpoint. */
export async function grow({ json, ask }: RunningGateway): Promise<void> {
  for (let i = 0; i < 4; i++) {
    const { session } = await json('POST', '/api/v1/runs', { principal: 'bot' });
    await json('POST', `/api/v1/runs/${String(session)}/end`);
  }
  const [log = ''] = (await (await ask('GET', '/log/checkpoint')).text()).split('\n');
  assert.ok((await ask('GET', `/api/v1/receipts/${log.replace('countersign/', '')}/0`)).ok);
}
