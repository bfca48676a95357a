import assert from 'node:assert/strict';
import { join } from 'node:path';
import { findProtocol } from '../../gateway/src/protocols/registry.ts';
import { journalStart, isPlacedFrame, readJournal } from '../../gateway/src/recording/journal-reader.ts';
import { KeyStore } from '../../gateway/src/recording/key-store.ts';
import { rootOf } from '../../gateway/src/recording/testdata/root-of.ts';
import { SessionOpener } from '../../gateway/src/recording/session-reader.ts';
import { blockKeysOf, BlockStore } from '../../gateway/src/search/block-store.ts';
import { FactReader } from '../../gateway/src/search/record-facts.ts';
import { RecordIndex } from '../../gateway/src/search/record-index.ts';
import { RecordOpener } from '../../gateway/src/search/record-opener.ts';
import { openMemorySqlite } from '../../gateway/src/store/sqlite.ts';
import { decodeLeaf, frameEntries } from '@countersign/ledger/format';

interface Along {
  readonly opener: SessionOpener;
  readonly facts: FactReader;
  key: number | null;
}

/** Compares each record of a store, opened alone as a search opens it, with the record as it is read along its session. Resolves with their number. */
export async function compareOpenedAlone(data: string): Promise<number> {
  using keys = KeyStore.openReadOnly(join(data, 'keys.db'), rootOf(data));
  using database = openMemorySqlite();
  const store = new BlockStore(database, blockKeysOf(keys));
  // Blocks are small, so that a record is in another one than those that it needs.
  const index = new RecordIndex({ data, keys, store, findProtocol, recall: () => Promise.resolve(null), rowsMax: 50 });
  await index.catchUp();
  const sessions = new Map<string, Along>();
  using alone = new RecordOpener({
    data,
    keys,
    findProtocol,
    blockOf: (at) => store.blockOf(at),
    keyOf: (session) => sessions.get(session)?.key ?? null,
  });
  let count = 0;
  for await (const step of readJournal(data, journalStart)) {
    for (const entry of isPlacedFrame(step) && step.frame.header.type === 'batch' ? frameEntries(step.frame) : []) {
      const leafBytes = entry.leaf.slice();
      const leaf = decodeLeaf(leafBytes);
      const along = sessions.get(leaf.session) ?? { opener: new SessionOpener(keys), facts: new FactReader(findProtocol), key: null };
      sessions.set(leaf.session, along);
      const opened = along.opener.open({ leaf, leafBytes, entry });
      along.key ??= typeof opened.governance?.['key'] === 'number' ? opened.governance['key'] : null;
      const { facts, text } = along.facts.read(opened, along.opener.needed);
      const found = await alone.open(leaf.logIndex);
      assert.deepEqual(
        { facts: found?.read.facts, text: found?.read.text, leaf: Buffer.from(found?.leaf ?? []) },
        { facts, text, leaf: Buffer.from(leafBytes) },
        opened.record,
      );
      count += 1;
    }
  }
  return count;
}
