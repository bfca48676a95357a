import { join } from 'node:path';
import { AlertFeed } from '../alerts/alert-feed.ts';
import type { Alert } from '../alerts/alert.ts';
import type { AboutAlert } from '../alerts/alert-book.ts';
import type { StreamSettings } from '../domain/sink.ts';
import type { FeedRecord } from '../exports/feed-record.ts';
import { RecordTail, type OpenRecords } from '../exports/record-tail.ts';
import { SinkStreams } from '../exports/sink-streams.ts';
import type { FindProtocol } from '../feed/timeline.ts';
import type { FeedNews, FeedSettings } from './feed-news.ts';
import type { FromIndexer } from './indexer.ts';
import { sendError } from './sent-error.ts';
import type { KeyStore } from '../recording/key-store.ts';
import type { ReadRecord } from '../search/record-facts.ts';
import type { PlacedRecords } from '../search/block.ts';
import type { RecordFollower } from '../search/record-index.ts';
import { RecordOpener, type RecordOpenerParts } from '../search/record-opener.ts';
import type { Boundary } from '../search/sight.ts';
import { SealedFile } from '../store/sealed-file.ts';

interface FeedsParts {
  readonly data: string;
  readonly keys: KeyStore;
  readonly settings: FeedSettings;
  readonly boundary: Boundary;
  readonly openRecords: OpenRecords;
  readonly tell: (news: FeedNews) => void;
  readonly onTrouble: (error: unknown, what: string) => void;
}

/** All that follows the record beside its indexes: the watch for alerts, and the streams to sinks. */
export class Feeds implements RecordFollower, AsyncDisposable {
  readonly #alerts: AlertFeed;
  readonly #tail: RecordTail;
  #streams: SinkStreams | null = null;
  readonly #parts: FeedsParts;
  #settings: FeedSettings;

  constructor(parts: FeedsParts) {
    const { data, keys, settings, tell, onTrouble, openRecords } = parts;
    this.#parts = parts;
    this.#settings = settings;
    this.#alerts = new AlertFeed({
      file: new SealedFile(join(data, 'alerts'), keys.feedKey()),
      written: settings.written,
      rules: settings.rules,
      keptDays: settings.keptDays,
      tell: (alerts) => {
        tell({ alerts });
      },
      onTrouble: (error) => {
        onTrouble(error, 'follow the record for alerts');
      },
      now: Date.now,
    });
    this.#tail = new RecordTail(openRecords);
    this.#openStreams(settings.sinks);
  }

  /** The alerts, in the order in which they were raised. */
  get alerts(): readonly Alert[] {
    return this.#alerts.alerts;
  }

  /** True: the file of the alerts is gone, so that what is on record about them is to be given to `recall`. */
  get lacksAlerts(): boolean {
    return this.#alerts.isNew && this.#parts.settings.written > 0;
  }

  recall(records: readonly AboutAlert[]): void {
    this.#alerts.recall(records);
  }

  /** The index in the log of the next record that was not taken up. */
  get next(): number {
    return this.#alerts.next;
  }

  enforce(settings: FeedSettings): void {
    const { rules, sinks } = settings;
    this.#settings = settings;
    this.#alerts.enforce(rules);
    this.#openStreams(sinks);
  }

  /** Takes up a record of the log. They come in order. */
  see(index: number, { shown, facts }: ReadRecord): void {
    this.#alerts.see(index, { shown, facts });
    if (this.#streams !== null) {
      this.#tail.add({ index, shown, values: facts.values });
    }
  }

  dropErased(): void {
    this.#tail.forget();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#alerts[Symbol.asyncDispose]();
    await this.#streams?.[Symbol.asyncDispose]();
  }

  /** Opens the streams once there are sinks for them. */
  #openStreams(sinks: readonly StreamSettings[]): void {
    const { data, keys, tell, onTrouble } = this.#parts;
    if (this.#streams !== null) {
      this.#streams.enforce(sinks);
    } else if (sinks.length > 0) {
      this.#streams = new SinkStreams({
        file: new SealedFile(join(data, 'sinks'), keys.feedKey()),
        tail: this.#tail,
        factsOf: (shown) => this.#parts.boundary.factsOf(shown),
        written: this.#settings.written,
        tell: (sink) => {
          tell({ sink });
        },
        onStates: (states) => {
          tell({ states });
        },
        onTrouble: (error) => {
          onTrouble(error, 'note how far sinks are');
        },
      });
      this.#streams.enforce(sinks);
    }
  }
}

interface OpenParts {
  readonly settings: FeedSettings;
  readonly data: string;
  readonly keys: KeyStore;
  readonly blockOf: (index: number) => PlacedRecords | null;
  readonly findProtocol: FindProtocol;
  readonly keyOf: RecordOpenerParts['keyOf'];
  readonly boundary: Boundary;
  readonly send: (message: FromIndexer) => void;
}

/** Opens what follows the record in the thread that makes its index. */
export function openFeeds({ settings, data, keys, blockOf, findProtocol, keyOf, boundary, send }: OpenParts): Feeds {
  return new Feeds({
    data,
    keys,
    settings,
    boundary,
    openRecords: async (first, end) => {
      using opener = new RecordOpener({ data, keys, findProtocol, keyOf, blockOf });
      const opened: FeedRecord[] = [];
      for (let index = first; index < end; index++) {
        const alone = await opener.open(index);
        if (alone === null && blockOf(index) === null) {
          throw new Error(`the record ${index} is not in the index of records yet`);
        }
        opened.push(alone === null ? unreadable(index) : { index, shown: alone.read.shown, values: alone.read.facts.values });
      }
      return opened;
    },
    tell: (news) => {
      send({ news });
    },
    onTrouble: (error, what) => {
      send({ trouble: { what, error: sendError(error) } });
    },
  });
}

/** Stands for a record that cannot be opened, so that who gets all records sees that there is one. */
function unreadable(index: number): FeedRecord {
  return {
    index,
    shown: {
      session: '',
      seq: 0,
      time: new Date(0).toISOString(),
      channel: null,
      target: null,
      protocol: null,
      kind: 'unreadable',
      action: null,
      principal: null,
      verdict: null,
      policies: [],
      attributes: {},
      content: null,
      record: `unreadable/${index}`,
    },
    values: new Map(),
  };
}
