import type { StreamSettings } from '../domain/sink.ts';
import { matches } from '../query/matches.ts';
import { parseQuery } from '../query/parse-query.ts';
import type { SealedFile } from '../store/sealed-file.ts';
import type { ShownRecord } from '../feed/shown-record.ts';
import type { FeedRecord } from './feed-record.ts';
import { fileReceiver } from './file-receiver.ts';
import { ocsfEvent } from './ocsf.ts';
import { otlpLogs } from './otlp.ts';
import { otlpReceiver } from './otlp-receiver.ts';
import type { Receiver } from './receiver.ts';
import type { RecordTail } from './record-tail.ts';
import { s3Receiver } from './s3-receiver.ts';
import { SinkStream, type SinkNews } from './sink-stream.ts';
import { syslogReceiver } from './syslog-receiver.ts';

/** How far the sinks are is told, and written if it changed, this often. After a crash a sink gets again what it got since. */
const lookMs = 1000;

/** How far a sink is. */
export interface SinkState {
  readonly name: string;
  /** The number of records that it has not taken yet. */
  readonly behind: number;
  readonly isFailing: boolean;
}

export interface SinkStreamsParts {
  readonly file: SealedFile;
  readonly tail: RecordTail;
  /** Returns a record without its content. */
  readonly factsOf: (shown: ShownRecord) => ShownRecord;
  /** The number of records in the log at the start: a sink that was never there begins with the next. */
  readonly written: number;
  readonly tell: (news: SinkNews) => void;
  readonly onStates: (states: readonly SinkState[]) => void;
  readonly onTrouble: (error: unknown) => void;
}

interface Running {
  readonly settings: string;
  readonly stream: SinkStream;
}

/** The streams of records to the sinks of the configuration, and how far each is. */
export class SinkStreams implements AsyncDisposable {
  readonly #parts: SinkStreamsParts;
  readonly #running = new Map<string, Running>();
  /** For each sink, the index in the log of the first record that it has not taken. */
  readonly #taken: Map<string, number>;
  readonly #timer: NodeJS.Timeout;
  #written = '';
  #changing: Promise<void> = Promise.resolve();
  #writing: Promise<void> = Promise.resolve();

  constructor(parts: SinkStreamsParts) {
    this.#parts = parts;
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only this class seals with the key, and it seals pairs
    this.#taken = new Map((parts.file.read() as readonly (readonly [string, number])[] | null) ?? []);
    this.#timer = setInterval(() => {
      this.#look();
    }, lookMs).unref();
  }

  /** Opens streams to these sinks, and ends those to others. A sink that was never there begins with what is recorded from now on. */
  enforce(sinks: readonly StreamSettings[]): void {
    this.#changing = this.#changing.then(async () => this.#change(sinks)).catch(this.#parts.onTrouble);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#changing;
    await Promise.all(Array.from(this.#running.values(), async ({ stream }) => stream[Symbol.asyncDispose]()));
    this.#look();
    await this.#writing;
  }

  async #change(sinks: readonly StreamSettings[]): Promise<void> {
    const wanted = new Map(sinks.map((sink) => [sink.name, sink]));
    for (const [name, { stream, settings }] of this.#running) {
      if (JSON.stringify(wanted.get(name)) !== settings) {
        await stream[Symbol.asyncDispose]();
        this.#taken.set(name, stream.taken);
        this.#running.delete(name);
      }
    }
    for (const name of this.#taken.keys()) {
      if (!wanted.has(name)) {
        this.#taken.delete(name);
      }
    }
    const end = Math.max(this.#parts.tail.next, this.#parts.written);
    const opened = sinks
      .filter(({ name }) => !this.#running.has(name))
      .map((sink) => {
        const known = this.#taken.get(sink.name);
        // A place behind the end is of another journal.
        const next = known === undefined || known > end ? end : known;
        this.#taken.set(sink.name, next);
        return { sink, next, isNew: known !== next };
      });
    // Written before anything is sent or said: after a kill a sink that began goes on there.
    await this.#write();
    for (const { sink, next, isNew } of opened) {
      if (isNew) {
        this.#parts.tell({ what: 'began', sink: sink.name, next });
      }
      this.#open(sink, next);
    }
  }

  #open(sink: StreamSettings, next: number): void {
    const { tail, tell } = this.#parts;
    const { name } = sink;
    const query = sink.query === null ? null : parseQuery(sink.query, 0);
    const isWanted = ({ shown, values }: FeedRecord): boolean => query === null || matches(query, { timeMs: Date.parse(shown.time), values, words: [] });
    const outward = (record: FeedRecord): FeedRecord => (sink.text ? record : { ...record, shown: this.#parts.factsOf(record.shown) });
    this.#running.set(name, {
      settings: JSON.stringify(sink),
      stream: new SinkStream(next, { name, receiver: receiverOf(sink, outward), tail, isWanted, tell }),
    });
  }

  #look(): void {
    const { tail, onStates } = this.#parts;
    for (const [name, { stream }] of this.#running) {
      this.#taken.set(name, stream.taken);
    }
    onStates(Array.from(this.#running, ([name, { stream }]) => ({ name, behind: Math.max(0, tail.next - stream.taken), isFailing: stream.isFailing })));
    void this.#write();
  }

  async #write(): Promise<void> {
    const { file, onTrouble } = this.#parts;
    const taken = [...this.#taken];
    const written = JSON.stringify(taken);
    if (written !== this.#written) {
      this.#written = written;
      this.#writing = this.#writing
        .then(async () => file.write(taken))
        .catch((error: unknown) => {
          this.#written = '';
          onTrouble(error);
        });
    }
    await this.#writing;
  }
}

/** Makes the receiver of a sink. */
function receiverOf(sink: StreamSettings, outward: (record: FeedRecord) => FeedRecord): Receiver {
  const lineOf = (record: FeedRecord): string => JSON.stringify(ocsfEvent(outward(record)));
  switch (sink.kind) {
    case 'ocsf':
      return fileReceiver(sink.file, lineOf);
    case 'syslog':
      return syslogReceiver(sink, lineOf);
    case 'otlp':
      return otlpReceiver(sink, (records) => otlpLogs(records.map(outward)));
    case 's3':
      return s3Receiver(sink, lineOf);
    default:
      return sink satisfies never;
  }
}
