import { countOf } from '@countersign/gateway/count-of';
import { randomBytes } from 'node:crypto';
import { open, rm, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DataClass } from '@countersign/gateway/classes';
import type { Miss } from '@countersign/gateway/replay-server';
import { isStored } from './arguments.ts';
import { commandEnvironment } from './command-environment.ts';
import { loadConfig } from './configuration.ts';
import { aroundDifference } from './diff/around-difference.ts';
import { findSession } from './names.ts';
import { runCommand } from './run-command.ts';
import { RunFiles } from './run-files.ts';
import { openSource, type SourceOptions } from './session-source.ts';
import { escapeControls } from './terminal.ts';
import { trustedKeys } from './trusted-keys.ts';

export interface ServeOptions extends SourceOptions {
  readonly port: number;
  /** Verifier keys, or files that hold them. */
  readonly key: readonly string[];
  readonly speed?: number;
}

/** Number of characters that are shown of the beginning of a request that was not recorded, and of its end, where conversations usually differ. */
const shownCharacters = 1_000;

/** Serves a recording to a command, or until a signal comes. `isConfigGiven` is true if `--config` was on the command line. Returns the exit code, which is not 0 if a request was not in the recording. */
export async function serveRecording(recording: string, words: readonly string[], options: ServeOptions, isConfigGiven: boolean): Promise<number> {
  await using bundle = await (isStored(recording) ? fetchBundle(recording, options) : open(recording, 'r'));
  // Loaded here, so that no other command loads the server.
  const { ReplayServer } = await import('@countersign/gateway/replay-server');
  let misses = 0;
  const { speed = null, port } = options;
  await using server = await ReplayServer.open(bundle, {
    ...(await trustedKeys(options)),
    speed,
    port,
    classes: await classesOf(recording, options, isConfigGiven),
    onUnknownClass: (name) => {
      process.stderr.write(`countersign: ${describeUnknown(name)}\n`);
    },
    onMiss: (miss) => {
      misses += 1;
      process.stderr.write(describeMiss(miss));
    },
  });
  if (server.notKept > 0) {
    process.stderr.write(`countersign: ${describeNotKept(server.notKept)}\n`);
  }
  using files = new RunFiles(server.files);
  const environment = files.environment(server.environment);
  if (words.length === 0) {
    await serveUntilSignal(environment);
    await server.told();
    return misses > 0 ? 1 : 0;
  }
  const exitCode = await runCommand(words, commandEnvironment(options, environment), null);
  await server.told();
  return misses > 0 ? 1 : exitCode;
}

/** Returns the classes of the configuration of the gateway on this machine. A bundle comes without any, unless a configuration is named; a copy of the data and a gateway elsewhere always do. */
async function classesOf(recording: string, options: ServeOptions, isConfigGiven: boolean): Promise<readonly DataClass[]> {
  const isHere = isConfigGiven || (isStored(recording) && options.data === undefined && options.url === undefined);
  return isHere ? [...(await loadConfig(options)).classes.values()] : [];
}

/** Fetches the bundle into a file without a name. The file disappears with this process, because the contents are not encrypted. */
async function fetchBundle(session: string, options: ServeOptions): Promise<FileHandle> {
  await using source = await openSource(options);
  const path = join(tmpdir(), `countersign-replay-${randomBytes(8).toString('hex')}`);
  const file = await open(path, 'wx+', 0o600);
  try {
    await rm(path);
    for await (const piece of source.bundle(await findSession(session, (page) => source.sessions(page)))) {
      await file.writeFile(piece);
    }
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function serveUntilSignal(environment: Readonly<Record<string, string>>): Promise<void> {
  const { promise: stopped, resolve: stop } = Promise.withResolvers<void>();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      stop();
    });
  }
  for (const [name, value] of Object.entries(environment)) {
    console.log(`export ${name}='${escapeControls(value, 'nothing').replaceAll("'", String.raw`'\\''`)}'`);
  }
  process.stderr.write('countersign: serving until Ctrl-C\n');
  await stopped;
}

/** Says what the replay cannot answer. */
function describeNotKept(count: number): string {
  return `${countOf(count, 'record')} of requests and answers cannot be replayed: by policy only their facts were kept`;
}

/** Says what the replay cannot mask as it was masked. */
function describeUnknown(name: string): string {
  const advice = 'the built-in classes are known, and with --config those of a configuration, which goes with the id of a session and with a bundle';
  return `the class ${escapeControls(name, 'nothing')}, which policy masked in requests, is not known here: requests with its values are not found; ${advice}`;
}

/** Number of characters that are shown of each of two values that differ. */
const valueCharacters = 200;

function describeMiss({ target, action, text, reason, nearest }: Miss): string {
  const what = [action, target].filter((part) => part !== '').join(' ');
  const shown = text.length > 2 * shownCharacters ? `${text.slice(0, shownCharacters)}\n…\n${text.slice(-shownCharacters)}` : text;
  const lines = shown === '' ? '' : `\n    ${escapeControls(shown, 'lines').replaceAll('\n', '\n    ')}`;
  return `countersign: not answered: ${escapeControls(what, 'nothing')}: ${reason}${lines}\n${nearest === null ? '' : describeNearest(nearest)}`;
}

function describeNearest({ seq, difference: { at, recorded, asked } }: NonNullable<Miss['nearest']>): string {
  const [before, now] = aroundDifference(recorded, asked, valueCharacters).map((value) => escapeControls(value, 'nothing'));
  return `    nearest is request #${seq}, which differs at ${escapeControls(at.slice(0, valueCharacters), 'nothing')}:\n      recorded: ${before}\n      asked:    ${now}\n`;
}
