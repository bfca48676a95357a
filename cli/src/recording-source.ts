import { statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import type { BundleReading } from '@countersign/gateway/bundle-reader';
import type { MessageRange, SessionOverview, ShownRecord } from '@countersign/gateway/api';
import type { Command } from 'commander';
import { isRecordName, isStored } from './arguments.ts';
import { meaningOnlyIf } from './heeded-command.ts';
import { findSession } from './names.ts';
import { openSource, type SessionSource, type SourceOptions } from './session-source.ts';

export interface RecordingOptions extends SourceOptions {
  /** False: facts alone. */
  readonly content?: boolean;
  /** Verifier keys to trust a bundle by, or files that hold them. */
  readonly key: readonly string[];
}

/** Has a command whose arguments are recordings refuse options that say nothing about them: keys if none is a bundle, a gateway or a store if all are. */
export function addRecordingPlaces(command: Command): Command {
  const isInStore = (word: unknown): boolean => typeof word === 'string' && (isRecordName(word) || isStored(word));
  const recordings = (words: readonly unknown[]): readonly unknown[] => words.filter((word) => typeof word === 'string');
  meaningOnlyIf(command, ['key'], (words) => !recordings(words).every(isInStore));
  // Who serves a recording takes the classes of a configuration, also for a bundle.
  meaningOnlyIf(command, ['config'], (words, { serve }) => serve === true || recordings(words).some(isInStore));
  return meaningOnlyIf(command, ['url', 'data'], (words) => recordings(words).some(isInStore));
}

/** Reads recordings: the id of a session, or its beginning, stands for a session of the store that the options name, a file name for a bundle, which needs no store. */
export class RecordingSource implements AsyncDisposable {
  readonly #options: RecordingOptions;
  readonly #opened = new AsyncDisposableStack();
  #store: Promise<SessionSource> | null = null;

  constructor(options: RecordingOptions) {
    this.#options = options;
  }

  /**
   * Yields the records of a session or a bundle. A bundle is verified as a whole before the first record is given; standard error tells what the verification
   * does not prove.
   */
  async *records(recording: string): AsyncGenerator<ShownRecord> {
    if (isStored(recording)) {
      const store = await this.#openStore();
      yield* store.records(await findSession(recording, (page) => store.sessions(page)), { content: this.#options.content !== false });
      return;
    }
    yield* (await this.#openBundle(recording)).records();
  }

  /** Returns the overview of a session; null for a bundle, and where no gateway makes one. */
  async overview(recording: string): Promise<SessionOverview | null> {
    if (!isStored(recording)) {
      return null;
    }
    const store = await this.#openStore();
    return store.overview(await findSession(recording, (page) => store.sessions(page)), { content: this.#options.content !== false });
  }

  async *bytes(recording: string, range: MessageRange): AsyncGenerator<Uint8Array> {
    if (isStored(recording)) {
      const store = await this.#openStore();
      yield* store.bytes(await findSession(recording, (page) => store.sessions(page)), range);
      return;
    }
    yield* (await this.#openBundle(recording)).bytes(range);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#opened.disposeAsync();
  }

  /** Opens the store once for all calls. */
  async #openStore(): Promise<SessionSource> {
    this.#store ??= openSource(this.#options).then((store) => this.#opened.use(store));
    return this.#store;
  }

  async #openBundle(name: string): Promise<BundleReading> {
    if (!statSync(name).isFile()) {
      throw new Error(`${name} is no file: a bundle is read more than once, so a pipe will not do`);
    }
    const handle = this.#opened.use(await open(name, 'r'));
    // Loaded here, so that commands that read from a gateway do not load the verifier.
    const { openBundle } = await import('./bundle-source.ts');
    return openBundle(name, handle, this.#options);
  }
}
