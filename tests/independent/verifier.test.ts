import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { test, type TestContext } from 'node:test';
import { openStoreFiles } from '../../cli/src/store-files.ts';
import { openRunningGateway } from '../../gateway/src/api/testdata/running-gateway.ts';
import { flipped } from '../../ledger/src/testdata/flip-bytes.ts';
import {
  bundleOf,
  filesOf,
  goldenBundleLines,
  goldenReceipt,
  policyBundleLines,
  writeFirstEpoch,
  writeGoldenStore,
  writeRotatedStore,
} from '../../ledger/src/testdata/golden-store.ts';
import { StoreWriter, type WrittenSession } from '../../ledger/src/testdata/store-writer.ts';
import { entriesOf, rechained, segmentsOf, variantsOf, withEntries } from '../../ledger/src/testdata/tamper.ts';
import { verifyFile } from '../../ledger/src/verify-file.ts';
import { verifyStore } from '../../ledger/src/verify-store.ts';
import { grow } from '../support/growing-log.ts';
import { buildGo, requireGo } from './go.ts';

type Files = ReadonlyMap<string, Uint8Array>;
/** Asks the second verifier about a store or a file, with the trusted key or without one. */
type AskOther = (path: string, key?: string, keyring?: string) => Promise<string>;

/** Every how many bytes of a file one is flipped. It has no common factor with the lengths in the formats. */
const flipStep = 13;

function startOther(t: TestContext): AskOther {
  const child = spawn(buildGo(t, 'verifier'), { stdio: ['pipe', 'pipe', 'inherit'] });
  t.after(() => child.kill());
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return async (path, key = '', keyring = '') => {
    child.stdin.write(`${path} ${key} ${keyring}\n`);
    const { value } = await answers.next();
    return String(value);
  };
}

/** A directory with the files of a store. `during` lasts as long as some of them are other ones. */
function directoryOf(t: TestContext, files: Files): { readonly path: string; readonly during: (changed: Files, run: () => Promise<void>) => Promise<void> } {
  const path = mkdtempSync(join(tmpdir(), 'countersign-second-'));
  t.after(() => {
    rmSync(path, { recursive: true, force: true });
  });
  const put = (name: string, bytes: Uint8Array | undefined): void => {
    if (bytes === undefined) {
      rmSync(join(path, name), { force: true });
    } else {
      mkdirSync(dirname(join(path, name)), { recursive: true });
      writeFileSync(join(path, name), bytes);
    }
  };
  files.forEach((bytes, name) => {
    put(name, bytes);
  });
  return {
    path,
    during: async (changed, run) => {
      const names = [...new Set([...files.keys(), ...changed.keys()])].filter((name) => files.get(name) !== changed.get(name));
      names.forEach((name) => {
        put(name, changed.get(name));
      });
      await run();
      names.forEach((name) => {
        put(name, files.get(name));
      });
    },
  };
}

/** Yields stores that somebody has changed, each with a word that says how. */
function* tampered(files: ReadonlyMap<string, Buffer>): Generator<readonly [string, Files]> {
  for (const [path, bytes] of files) {
    yield [`without ${path}`, new Map([...files].filter(([name]) => name !== path))];
    yield [`${path} empty`, new Map(files).set(path, Buffer.alloc(0))];
    for (let at = 0; at < bytes.length; at += flipStep) {
      yield [`${path} flipped at ${at}`, new Map(files).set(path, Buffer.from(flipped(bytes, at)))];
      yield [`${path} cut at ${at}`, new Map(files).set(path, bytes.subarray(0, at))];
    }
  }
  const segments = segmentsOf(files);
  for (const [i, segment] of segments.entries()) {
    for (const [variant, frames] of variantsOf(segment.frames).entries()) {
      yield [`frames of segment ${i + 1}, variant ${variant}`, rechained(files, segments.with(i, { ...segment, frames }))];
    }
    for (const [j, frame] of segment.frames.entries()) {
      for (const [variant, entries] of variantsOf(entriesOf(frame) ?? []).entries()) {
        if (entries.length > 0) {
          const frames = segment.frames.with(j, withEntries(frame, entries));
          yield [`entries of frame ${j} of segment ${i + 1}, variant ${variant}`, rechained(files, segments.with(i, { ...segment, frames }))];
        }
      }
    }
  }
}

/** Stores, each with the keys with which it is asked about. It is also asked about without one. */
const writtenStores: Readonly<Record<string, () => { readonly writer: StoreWriter; readonly vkeys: readonly string[] }>> = {
  'of one epoch': () => {
    const { writer } = writeFirstEpoch();
    return { writer, vkeys: [writer.signer.vkey] };
  },
  'of several': () => {
    const { writer } = writeGoldenStore();
    return { writer, vkeys: [writer.signer.vkey] };
  },
  'whose key was rotated': () => writeRotatedStore([1, 2, 3]),
};
const reached = new Set<string>();

for (const [name, write] of Object.entries(writtenStores)) {
  test(`a second verifier, in Go and with the code of another team, says of every store ${name} what this one says`, requireGo('verifier'), async (t) => {
    const other = startOther(t);
    const { writer, vkeys } = write();
    const { path, during } = directoryOf(t, writer.files);
    for (const [how, changed] of [['as it is', writer.files] as const, ...tampered(writer.files)]) {
      await during(changed, async () => {
        for (const key of [...vkeys, undefined]) {
          const { verdict, findings } = await verifyStore(filesOf(changed), key === undefined ? {} : { keys: [key] });
          const said = await other(path, key);
          assert.ok(
            said.startsWith(`${verdict} `),
            `${how}, ${key === undefined ? 'no key' : 'with the key'}: ${said}; here ${verdict}: ${JSON.stringify(findings)}`,
          );
          reached.add(verdict);
        }
      });
    }
  });
}

test('the stores that both verifiers were asked about have every kind of fault', requireGo('verifier'), () => {
  assert.deepEqual([...reached].toSorted(), ['completeness', 'holds', 'integrity', 'malformed', 'trust']);
});

test('the second verifier says of bundles and receipts what this one says', requireGo('verifier'), async (t) => {
  const other = startOther(t);
  const golden = writeGoldenStore();
  const { vkey } = golden.writer.signer;
  const files = [bundleOf(goldenBundleLines(golden)), bundleOf(policyBundleLines().lines), Buffer.from(goldenReceipt(golden, 1))];
  const lineVariants = variantsOf(goldenBundleLines(golden)).map(bundleOf);
  const flips = files.flatMap((file) => Array.from({ length: Math.ceil(file.length / flipStep) }, (_, i) => flipped(file, i * flipStep)));
  const { path, during } = directoryOf(t, new Map());
  for (const [i, file] of [...files, ...lineVariants, ...flips].entries()) {
    await during(new Map([['file', file]]), async () => {
      const { verdict, findings } = await verifyFile(new Uint8Array(file), { keys: [vkey] });
      const said = await other(join(path, 'file'), vkey);
      assert.ok(said.startsWith(`${verdict} `), `file ${i}: ${said}; here ${verdict}: ${JSON.stringify(findings)}`);
    });
  }
});

test('the second verifier says of classes, days and erasures what this one says, where all is rightly signed', requireGo('verifier'), async (t) => {
  const other = startOther(t);
  const hash = '0'.repeat(64);
  const under = (meta: number, content = meta): object => ({ secrets: hash, key: 1, meta: [1, meta], content: [1, content] });
  const facts = (writer: StoreWriter, session: WrittenSession, day: number): void => {
    writer.record(session, 'decision', { meta: 'x', patch: (leaf) => leaf.writeUInt32BE(day, 58) });
  };
  const intent = { phase: 'intent', cause: 'expired', keys: [[1, 20_800, hash]], secrets: [[1, 2]], copies: ['a'] };
  const stores: readonly ((writer: StoreWriter, session: WrittenSession) => void)[] = [
    (writer, session) => facts(writer, session, 20_800),
    (writer, session) => facts(writer, session, 20_801),
    (writer, session) => {
      writer.record(session, 'secrets', { meta: under(20_801, 20_700) });
      facts(writer, session, 20_801);
      facts(writer, session, 20_800);
    },
    (writer, session) => {
      writer.record(session, 'secrets', { meta: under(20_700, 20_801) });
      facts(writer, session, 20_801);
    },
    (writer, session) => {
      for (let i = 0; i < 64; i++) {
        writer.record(session, 'secrets', { meta: under(20_801 + i) });
      }
      facts(writer, session, 20_800);
    },
    (writer, session) => writer.record(session, 'secrets', { meta: { secrets: hash, key: 2 } }),
    (writer, session) => writer.record(session, 'secrets', { meta: { secrets: hash, key: 2, meta: [1], content: [1, 2] } }),
    (writer) => writer.record(writer.newSession(), 'open', { meta: { secrets: hash, key: 1, meta: 5 } }),
    (writer) => writer.record(writer.gateway, 'keep', { meta: { class: 2, content: 30, facts: null, floor: null } }),
    (writer) => writer.record(writer.gateway, 'keep', { meta: { class: 2, content: -1, facts: null, floor: null } }),
    (writer) => writer.record(writer.gateway, 'wrap', { meta: { class: 2, day: 5, wraps: [[1, 3, hash]] } }),
    (writer) => writer.record(writer.gateway, 'hold', { meta: { what: 'forget', class: 32_768 } }),
    (writer) => writer.record(writer.gateway, 'erasure', { meta: intent }),
    (writer) => writer.record(writer.gateway, 'erasure', { meta: { ...intent, cause: 'because' } }),
    (writer) => writer.record(writer.gateway, 'erasure', { meta: { ...intent, keys: [[1, 20_800]] } }),
    (writer) => writer.record(writer.gateway, 'erasure', { meta: { phase: 'complete', intent: 3 } }),
    (writer) => writer.record(writer.gateway, 'erasure', { meta: { phase: 'complete', intent: 3, kept: [[1, 2]] } }),
    (writer) => writer.record(writer.gateway, 'erasure', { meta: { phase: 'complete', intent: 3, kept: [[1, 5]] } }),
    (writer) => writer.record(writer.gateway, 'erasure', { meta: { phase: 'over', intent: 3 } }),
    (writer) => writer.record(writer.gateway, 'signer', { meta: { vkey: 5 } }),
  ];
  const verdicts = new Map<string, number>();
  for (const [i, add] of stores.entries()) {
    const writer = new StoreWriter();
    writer.start(null);
    const session = writer.newSession();
    writer.record(session, 'open', { meta: under(20_800) });
    add(writer, session);
    writer.commit();
    writer.checkpoint();
    writer.publish();
    const { path } = directoryOf(t, writer.files);
    const { verdict, findings } = await verifyStore(filesOf(writer.files), { keys: [writer.signer.vkey] });
    const said = await other(path, writer.signer.vkey);
    assert.ok(said.startsWith(`${verdict} `), `store ${i}: ${said}; here ${verdict}: ${JSON.stringify(findings)}`);
    verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1);
  }
  assert.deepEqual([...verdicts.keys()].toSorted(), ['holds', 'integrity', 'malformed']);
});

test('the second verifier says of keyrings what this one says: in bundles, and beside a key', requireGo('verifier'), async (t) => {
  const other = startOther(t);
  const rotated = writeRotatedStore([1, 2, 3]);
  const keyring = rotated.writer.files.get('log/keys') ?? assert.fail();
  const thief = writeRotatedStore([1, 9]);
  const stolen = thief.writer.files.get('log/keys') ?? assert.fail();
  const lines = goldenBundleLines(rotated);
  const withRing = (ring: Buffer): Uint8Array => {
    const { bundle: _form, log, key, ...rest }: Record<string, unknown> = JSON.parse(lines[0] ?? '');
    return bundleOf([JSON.stringify({ bundle: 'countersign/3', log, key, keyring: ring.toString(), ...rest }), ...lines.slice(1)]);
  };
  const receipt = Buffer.from(goldenReceipt(rotated, 1));
  const { path, during } = directoryOf(t, new Map<string, Uint8Array>([['keys', keyring]]));
  const rings = [keyring, stolen, ...Array.from({ length: Math.ceil(keyring.length / flipStep) }, (_, i) => Buffer.from(flipped(keyring, i * flipStep)))];
  const verdicts = new Set<string>();
  for (const file of [receipt, ...rings.map(withRing), bundleOf(lines)]) {
    await during(
      new Map<string, Uint8Array>([
        ['keys', keyring],
        ['file', file],
      ]),
      async () => {
        for (const [vkey, ring] of [
          ...[...rotated.vkeys, ...thief.vkeys].flatMap((key) => [[key, false] as const, [key, true] as const]),
          ['-', true] as const,
        ]) {
          const keys = [...(vkey === '-' ? [] : [vkey]), ...(ring ? [keyring.toString()] : [])];
          const { verdict, findings } = await verifyFile(new Uint8Array(file), { keys });
          const said = await other(join(path, 'file'), vkey, ring ? join(path, 'keys') : '');
          assert.ok(said.startsWith(`${verdict} `), `${said}; here ${verdict}: ${JSON.stringify(findings)}`);
          verdicts.add(verdict);
        }
      },
    );
  }
  assert.deepEqual([...verdicts].toSorted(), ['holds', 'malformed', 'trust']);
});

test('the second verifier confirms the store of a gateway that runs, and one that was stopped', requireGo('verifier'), async (t) => {
  const other = startOther(t);
  const running = await openRunningGateway();
  await grow(running);
  assert.equal(await other(running.data), 'holds []');
  const first = (await (await running.ask('GET', '/log/key')).text()).trim();
  await running.json('POST', '/api/v1/keys/rotate-signing', { reason: 'a test' });
  await grow(running);
  assert.equal(await other(running.data, first), 'holds []');
  await running.gateway.stop();
  assert.equal(await other(running.data), 'holds []');
  assert.equal(await other(running.data, first), 'holds []');
  assert.equal((await verifyStore(openStoreFiles(running.data))).verdict, 'holds');
  await running[Symbol.asyncDispose]();
});
