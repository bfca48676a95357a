import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { wholeSight } from './access/rights.ts';
import { AlertFeed } from './alerts/alert-feed.ts';
import { alertActions, type Alert } from './alerts/alert.ts';
import type { AboutAlert } from './alerts/alert-book.ts';
import type { StreamSettings } from './domain/sink.ts';
import type { FeedRecord } from './exports/feed-record.ts';
import { RecordTail, type OpenRecords } from './exports/record-tail.ts';
import { SinkStreams } from './exports/sink-streams.ts';
import type { FindProtocol } from './feed/timeline.ts';
import type { FeedNews, FeedSettings } from './reader/feed-news.ts';
import type { FromThread } from './reader/questions.ts';
import { sendError } from './reader/sent-error.ts';
import type { KeyStore } from './recording/key-store.ts';
import type { ReadRecord } from './search/record-facts.ts';
import type { RecordIndex } from './search/record-index.ts';
import { RecordOpener } from './search/record-opener.ts';
import type { RecordSearch } from './search/record-search.ts';
import type { Boundary } from './search/sight.ts';
import { SealedFile } from './store/sealed-file.ts';

/** Most records about alerts that are looked for, if the file of the alerts is gone. */
const recalledMax = 20_000;

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
export class Feeds implements AsyncDisposable {
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

  /** If the file of the alerts is gone, finds the records about them. */
  async recall(search: RecordSearch): Promise<void> {
    if (!this.#alerts.isNew || this.#parts.settings.written === 0) {
      return;
    }
    const found: AboutAlert[] = [];
    const query = `action:(${Object.values(alertActions).join(' ')})`;
    const wanted = {
      query,
      besides: [],
      nowMs: Date.now(),
      limit: recalledMax,
      before: null,
      answer: 'records',
      checkpoint: { size: 0, note: readFileSync(join(this.#parts.data, 'log', 'checkpoint'), 'utf8') },
      sight: wholeSight,
    } as const;
    for await (const line of search.search(wanted)) {
      if ('record' in line && line.verified) {
        found.push(line);
      }
    }
    this.#alerts.recall(found.toReversed());
  }

  enforce(settings: FeedSettings): void {
    const { rules, sinks } = settings;
    this.#settings = settings;
    this.#alerts.enforce(rules);
    this.#openStreams(sinks);
  }

  /** Takes up a record of the log. They come in order. */
  add(index: number, { shown, facts }: ReadRecord): void {
    this.#alerts.see(index, { shown, facts });
    if (this.#streams !== null) {
      this.#tail.add({ index, shown, values: facts.values });
    }
  }

  /** Resolves when it is on the disk how far alerts are. */
  async save(): Promise<void> {
    await this.#alerts.save();
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
        now: Date.now,
      });
      this.#streams.enforce(sinks);
    }
  }
}

interface OpenParts {
  readonly settings: FeedSettings;
  readonly data: string;
  readonly keys: KeyStore;
  readonly records: RecordIndex;
  readonly findProtocol: FindProtocol;
  readonly keyOf: (session: string) => number | null;
  readonly boundary: Boundary;
  readonly send: (message: FromThread) => void;
}

/** Opens what follows the record in the thread that makes its index. */
export function openFeeds({ settings, data, keys, records, findProtocol, keyOf, boundary, send }: OpenParts): Feeds {
  return new Feeds({
    data,
    keys,
    settings,
    boundary,
    openRecords: async (first, end) => {
      using opener = new RecordOpener({ data, keys, findProtocol, keyOf, blockOf: (index) => records.blockOf(index) });
      const opened: FeedRecord[] = [];
      for (let index = first; index < end; index++) {
        const alone = await opener.open(index);
        if (alone === null && records.blockOf(index) === null) {
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
