import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { SessionSummary, ShownRecord } from '@countersign/gateway/domain/shown-record.ts';
import { openOffline, type OfflineStore } from '@countersign/gateway/offline.ts';
import type { Command } from 'commander';
import { ApiClient } from '../api-client.ts';
import { addLocation, type LocationOptions } from '../location.ts';
import { describeRecord } from '../show.ts';

type Json = LocationOptions & { readonly json?: boolean; readonly data?: string };
const pauseMsMax = 5000;
const sessionPath = (id: string): string => `/api/sessions/${encodeURIComponent(id)}`;

export function addSession(program: Command): void {
  const session = program.command('session').description('what was recorded, and what goes on now');
  addLocation(session.command('list'))
    .description('sessions, oldest first')
    .option('--data <dir>', 'read this data directory, with no gateway running')
    .option('--json', 'one JSON object a line')
    .addHelpText('after', '\nExample:\n  countersign session list --json')
    .action(list);
  addLocation(session.command('show').argument('<id>'))
    .description('every record of a session')
    .option('--data <dir>', 'read this data directory, with no gateway running')
    .option('--json', 'one JSON object a line')
    .addHelpText('after', '\nExample:\n  countersign session show 0f1e2d3c4b5a69788796a5b4c3d2e1f0 --json')
    .action(show);
  addLocation(session.command('replay').argument('<id>'))
    .description('play a session as it happened')
    .option('--data <dir>', 'read this data directory, with no gateway running')
    .option('--speed <factor>', 'times as fast', '1')
    .option('--no-wait', 'without the pauses')
    .addHelpText('after', '\nExample:\n  countersign session replay 0f1e2d3c4b5a69788796a5b4c3d2e1f0 --speed 4')
    .action(replay);
  addLocation(session.command('watch').argument('<id>'))
    .description('follow a session while it goes on')
    .option('--json', 'one JSON object a line')
    .addHelpText('after', '\nExample:\n  countersign session watch 0f1e2d3c4b5a69788796a5b4c3d2e1f0')
    .action(watch);
  addLocation(session.command('halt').argument('<id>'))
    .description('end a session now')
    .option('--reason <text>', 'recorded, and told to the client', '')
    .addHelpText('after', '\nExample:\n  countersign session halt 0f1e2d3c4b5a69788796a5b4c3d2e1f0 --reason "reads too much"')
    .action(halt);
  addLocation(session.command('export').argument('<id>'))
    .description('a bundle that proves the session without the gateway; countersign verify FILE checks it')
    .option('--out <file>', 'instead of standard output')
    .addHelpText('after', '\nExample:\n  countersign session export 0f1e2d3c4b5a69788796a5b4c3d2e1f0 --out session.bundle')
    .action(exportBundle);
}

async function list(options: Json): Promise<void> {
  await using offline = await openData(options);
  const sessions: AsyncIterable<SessionSummary> | Iterable<SessionSummary> = offline?.sessions() ?? new ApiClient(options).rows('/api/sessions');
  for await (const session of sessions) {
    console.log(
      options.json === true
        ? JSON.stringify(session)
        : `${session.session}  ${session.opened}  ${session.state.padEnd(11)}  ${String(session.records).padStart(6)} records  ${session.principal ?? '-'} → ${session.targets.join(', ') || '-'}`,
    );
  }
}

async function show(id: string, options: Json): Promise<void> {
  await using offline = await openData(options);
  for await (const record of recordsOf(id, options, offline)) {
    console.log(options.json === true ? JSON.stringify(record) : describeRecord(record));
  }
}

async function replay(id: string, options: Json & { speed: string; wait: boolean }): Promise<void> {
  const speed = Number(options.speed);
  if (!(speed > 0)) {
    throw new Error(`--speed ${options.speed}: a number above 0 is expected`);
  }
  await using offline = await openData(options);
  let before: number | null = null;
  for await (const record of recordsOf(id, options, offline)) {
    const now = Date.parse(record.time);
    if (options.wait && before !== null && now > before) {
      await delay(Math.min(pauseMsMax, now - before) / speed);
    }
    before = now;
    if (record.content !== null || record.kind === 'close') {
      console.log(describeRecord(record, Number.MAX_SAFE_INTEGER));
    }
  }
}

async function watch(id: string, options: Json): Promise<void> {
  const stop = new AbortController();
  process.once('SIGINT', () => {
    stop.abort();
  });
  try {
    for await (const record of new ApiClient(options).rows<ShownRecord>(`${sessionPath(id)}/watch`, stop.signal)) {
      console.log(options.json === true ? JSON.stringify(record) : describeRecord(record));
    }
  } catch (error) {
    if (!stop.signal.aborted) {
      throw error;
    }
  }
}

async function halt(id: string, options: LocationOptions & { reason: string }): Promise<void> {
  await new ApiClient(options).json('POST', `${sessionPath(id)}/halt`, { reason: options.reason });
  console.log(`halted ${id}`);
}

async function exportBundle(id: string, options: LocationOptions & { out?: string }): Promise<void> {
  const out = options.out === undefined ? process.stdout : createWriteStream(options.out, { mode: 0o600 });
  for await (const chunk of new ApiClient(options).chunks(`${sessionPath(id)}/bundle`)) {
    if (!out.write(chunk)) {
      await new Promise((resolve) => out.once('drain', resolve));
    }
  }
  if (out !== process.stdout) {
    out.end();
    await finished(out);
  }
}

async function openData(options: Json): Promise<OfflineStore | null> {
  return options.data === undefined ? null : openOffline(options.data, process.env);
}

function recordsOf(id: string, options: Json, offline: OfflineStore | null): AsyncIterable<ShownRecord> {
  return offline?.records(id) ?? new ApiClient(options).rows(`${sessionPath(id)}/records`);
}
