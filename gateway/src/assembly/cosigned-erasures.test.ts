import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseVerifierKey, parseWitnessPolicy } from '@countersign/ledger';
import { parseCheckpoint, parseNote } from '@countersign/ledger/format';
import { freePort } from '../../../cli/src/demo/free-port.ts';
import { Erasures } from '../retention/erasures.ts';
import { openErasures, recordSession } from '../retention/testdata/open-erasures.ts';
import { Cosigning } from '../witnesses/cosigning.ts';
import { Witness } from '../witnesses/witness.ts';
import { WitnessServer } from '../witnesses/witness-server.ts';
import { requireCosigned } from './cosigned-erasures.ts';

/** So long an answer of the witness is waited for that does not come. */
const missingMs = 100;

test('nothing is destroyed until a quorum of witnesses has cosigned that it was announced, and then all of it is', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-cosigned-'));
  t.after(() => {
    rmSync(directory, { recursive: true });
  });
  const data = join(directory, 'store');
  mkdirSync(data);
  {
    const { recorder, keys } = await openErasures(data, 500);
    recordSession(recorder, 'said long ago');
    await recorder[Symbol.asyncDispose]();
    keys[Symbol.dispose]();
  }
  await using parts = new AsyncDisposableStack();
  const { recorder, keys } = await openErasures(data);
  parts.use(keys);
  const log = parseVerifierKey(readFileSync(join(data, 'log', 'key'), 'utf8').trim());
  const witness = parts.use(await Witness.open({ data: join(directory, 'one'), name: 'one.example', logs: [log], now: Date.now }));
  const port = await freePort();
  const policy = parseWitnessPolicy(Buffer.from(`witness one ${witness.vkey} http://127.0.0.1:${port}\nquorum one\n`));
  const cosigning = parts.use(
    new Cosigning({
      directory: join(data, 'log'),
      handovers: () => Promise.resolve([]),
      settings: { policy, caFile: null, lostMs: 60_000 },
      now: Date.now,
      onNews: () => undefined,
      onTrouble: () => undefined,
    }),
  );
  parts.use(recorder);
  cosigning.begin(() => recorder.published);
  let withinMs: number | undefined = missingMs;
  const forget = async (): Promise<void> => Promise.resolve();
  const erasures = new Erasures({ recorder, keys, forget, confirm: async (checkpoint) => requireCosigned(cosigning, checkpoint, withinMs) });
  const expired = keys.classDays().filter(({ day }) => day < Date.now() / 86_400_000 - 1);
  assert.equal(expired.length, 2);
  await assert.rejects(erasures.erase({ cause: 'expired', keys: expired, secrets: [], why: {} }), /The witnesses have not cosigned .* Nothing was deleted/);
  await assert.rejects(erasures.erase({ cause: 'expired', keys: expired, secrets: [], why: {} }), /The witnesses have not cosigned/);
  const [announced] = recorder.erasures;
  assert.equal(recorder.erasures.length, 1, 'it is announced once');
  assert.ok(expired.every((key) => keys.classKeyHash(key) !== null));
  parts.use(await WitnessServer.open({ host: '127.0.0.1', port, witness, onTrouble: () => undefined }));
  withinMs = undefined;
  await erasures.resume();
  assert.equal(recorder.erasures.length, 0);
  assert.ok(expired.every((key) => keys.classKeyHash(key) === null));
  const { size } = parseCheckpoint(parseNote(readFileSync(join(data, 'log', 'cosigned'))).text);
  assert.ok(size > (announced?.index ?? Infinity));
});
