/** `npm run bench -- NAME`: each benchmark is a file here that compares side by side in one run and prints a Markdown table. The words behind the name are its own. */
import { benchInterference } from './interference.ts';
import { benchLlm } from './llm.ts';
import { benchMask } from './mask.ts';
import { benchMysql } from './mysql.ts';
import { benchPolicy } from './policy.ts';
import { benchPostgres } from './postgres.ts';
import { benchRecorder } from './recorder.ts';
import { benchRedis } from './redis.ts';
import { benchRetention } from './retention.ts';
import { benchSearch } from './search.ts';
import { benchSsh } from './ssh.ts';
import { benchStarts } from './starts.ts';
import { benchWeb } from './web.ts';

const benchmarks: Readonly<Record<string, (words: readonly string[]) => Promise<void>>> = {
  recorder: benchRecorder,
  postgres: benchPostgres,
  llm: benchLlm,
  interference: benchInterference,
  starts: benchStarts,
  ssh: benchSsh,
  redis: benchRedis,
  mysql: benchMysql,
  policy: benchPolicy,
  mask: benchMask,
  search: benchSearch,
  retention: benchRetention,
  web: benchWeb,
};

const [name = '', ...words] = process.argv.slice(2);
const run = benchmarks[name];
if (run === undefined) {
  process.stderr.write(`usage: npm run bench -- ${Object.keys(benchmarks).join('|')}\n`);
  process.exit(2);
}
await run(words);
