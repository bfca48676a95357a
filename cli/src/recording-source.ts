import { statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import type { BundleReading } from '@countersign/gateway/bundle-reader';
import type { MessageRange, ShownRecord } from '@countersign/gateway/api';
import { MalformedError, type FileReport } from '@countersign/ledger';
import { isSession } from './arguments.ts';
import { describeFailure } from './failure.ts';
import { openSource, type SessionSource, type SourceOptions } from './session-source.ts';
import { escapeControls } from './terminal.ts';
import { trustedKeys } from './trusted-keys.ts';

export interface RecordingOptions extends SourceOptions {
  /** Verifier keys to trust a bundle by, or files that hold them. */
  readonly key: readonly string[];
}

/** Reads recordings by what names them: a session of the store that the options name, or the file of a bundle, for which no store is needed. */
export class RecordingSource implements AsyncDisposable {
  readonly #options: RecordingOptions;
  readonly #opened = new AsyncDisposableStack();
  #store: Promise<SessionSource> | null = null;

  constructor(options: RecordingOptions) {
    this.#options = options;
  }

  /** The records of a session or a bundle. A bundle is verified as a whole before the first record is given, and standard error tells what it does not show. */
  async *records(recording: string): AsyncGenerator<ShownRecord> {
    yield* isSession(recording) ? (await this.#openStore()).records(recording) : (await this.#openBundle(recording)).records();
  }

  async *bytes(recording: string, range: MessageRange): AsyncGenerator<Uint8Array> {
    yield* isSession(recording) ? (await this.#openStore()).bytes(recording, range) : (await this.#openBundle(recording)).bytes(range);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#opened.disposeAsync();
  }

  /** Once for all that is read. */
  async #openStore(): Promise<SessionSource> {
    this.#store ??= openSource(this.#options).then((store) => this.#opened.use(store));
    return this.#store;
  }

  async #openBundle(name: string): Promise<BundleReading> {
    if (!statSync(name).isFile()) {
      throw new Error(`${name} is no file: a bundle is read more than once, so a pipe will not do`);
    }
    const handle = this.#opened.use(await open(name, 'r'));
    // Here, so that who reads from a gateway does not load what reads files.
    const { readBundle } = await import('@countersign/gateway/bundle-reader');
    const { keys } = trustedKeys(this.#options);
    try {
      const bundle = await readBundle(handle, keys);
      for (const note of notesOn(bundle.report)) {
        process.stderr.write(`countersign: ${escapeControls(`${name}: ${note}`, 'nothing')}\n`);
      }
      return bundle;
    } catch (cause) {
      const words = cause instanceof MalformedError ? `It cannot be read as a bundle: ${cause.message}.` : describeFailure(cause);
      throw new Error(`${name}: ${words} Nothing of it is shown; countersign verify FILE says more.`, { cause });
    }
  }
}

/** Notes on a good bundle: they say what its verification does not prove. */
function notesOn({ extent, keySource, counts: { withheld } }: FileReport): string[] {
  return [
    ...(keySource === 'given' ? [] : ['it holds by the key inside; whose key that is was not checked: give log/key of the gateway, kept elsewhere, as --key']),
    ...(extent === 'open' ? ['the session was still open: whether it went on is not in it'] : []),
    ...(extent === 'records' ? ['it is a selection of a session: which other records there are is not in it'] : []),
    ...(withheld === 0
      ? []
      : [`${withheld} ${withheld === 1 ? 'body is' : 'bodies are'} not in it: that they were recorded is proven, what they say is not shown`]),
  ];
}
