/** Makes the index of records of a data directory, in a process of its own: a gateway makes it in a thread that has nothing else in memory. `search-made.ts DATA` prints a `MadeResult`. */
import { join } from 'node:path';
import { findProtocol } from '../gateway/src/protocols/registry.ts';
import { openStore } from '../gateway/src/recording/open-store.ts';
import { blockKeysOf, BlockStore } from '../gateway/src/search/block-store.ts';
import { RecordIndex } from '../gateway/src/search/record-index.ts';
import { openSqlite } from '../gateway/src/store/sqlite.ts';

export interface MadeResult {
  readonly records: number;
  /** Processor time and time of the clock in which the index was made. */
  readonly cpuSeconds: number;
  readonly seconds: number;
}

const [data = ''] = process.argv.slice(2);
const { keys } = await openStore(data, {}, false);
using database = openSqlite(join(data, 'records.db'), { journal: 'wal' });
const store = new BlockStore(database, blockKeysOf(keys));
const index = new RecordIndex({ data, keys, store, findProtocol, recall: () => Promise.resolve(null) });
const begun = performance.now();
const begunCpu = process.cpuUsage();
await index.rebuild();
const { user, system } = process.cpuUsage(begunCpu);
const result: MadeResult = { records: index.size, cpuSeconds: (user + system) / 1e6, seconds: (performance.now() - begun) / 1000 };
keys[Symbol.dispose]();
console.log(JSON.stringify(result));
