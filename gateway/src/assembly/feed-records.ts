import { alertRecording } from './alert-records.ts';
import { GatewayError } from '../domain/errors.ts';
import { ownAttributes } from '../domain/own-attributes.ts';
import { troubleActions, type SinkNews } from '../exports/sink-stream.ts';
import type { SinkState } from '../exports/sink-streams.ts';
import type { Outbox } from '../outbox/outbox.ts';
import type { FeedNews } from '../reader/feed-news.ts';
import type { Recorder } from '../recording/recorder.ts';
import { printMeta } from '../sessions/meta.ts';
import type { Logger } from '../telemetry.ts';

interface FeedRecordsParts {
  readonly recorder: Recorder;
  readonly outbox: Outbox;
  readonly log: Logger;
  readonly now: () => number;
  /** Called when a sink fails: its secret may be another one by now. */
  readonly onFailing: () => void;
}

/** Records what those found who follow the record, and what became of what they sent. */
export class FeedRecords {
  readonly #parts: FeedRecordsParts;
  readonly #recordAlerts: ReturnType<typeof alertRecording>;
  /** How far the sinks are that follow the record, as they said last. */
  states: readonly SinkState[] = [];

  constructor(parts: FeedRecordsParts) {
    this.#parts = parts;
    this.#recordAlerts = alertRecording(parts);
  }

  hear(news: FeedNews): void {
    if ('alerts' in news) {
      this.#recordAlerts(news.alerts);
    } else if ('states' in news) {
      this.states = news.states;
    } else {
      this.#hearOfSink(news.sink);
    }
  }

  #hearOfSink(news: SinkNews): void {
    const { log, onFailing } = this.#parts;
    const { sink } = news;
    switch (news.what) {
      case 'began':
        this.#note('event', { action: 'gateway.begin_feed' }, { sink, attributes: { [ownAttributes.feedFrom]: news.next } });
        break;
      case 'recovered':
        log.info({ sink }, 'a sink takes records again');
        this.#note('event', { action: troubleActions.resumed }, { sink });
        break;
      case 'failing':
        log.error({ sink, reason: news.why }, 'a sink does not take records; they wait in the journal, and it is tried again');
        this.#note('alert', { action: troubleActions.delayed, reason: news.why }, { sink });
        onFailing();
        break;
      case 'dropped':
        log.error({ sink, reason: news.why, records: news.records }, 'a sink refuses records for ever');
        this.#note('alert', { action: troubleActions.dropped, reason: news.why }, { sink, attributes: { [ownAttributes.feedRecords]: news.records } });
        break;
      default:
        news satisfies never;
    }
  }

  #note(
    kind: 'event' | 'alert',
    said: { readonly action: string; readonly reason?: string },
    { sink, attributes = {} }: { readonly sink: string; readonly attributes?: Readonly<Record<string, number | readonly string[]>> },
  ): void {
    const { recorder, log } = this.#parts;
    try {
      recorder.append(recorder.own, { kind, meta: printMeta(0, { ...said, attributes: { [ownAttributes.sink]: sink, ...attributes } }), content: [] });
    } catch (error) {
      if (!(error instanceof GatewayError)) {
        throw error;
      }
      log.error({ err: error }, 'could not record what became of records on their way to a sink');
    }
  }
}
