import type { ShownRecord } from '../../feed/shown-record.ts';
import type { FeedRecord } from '../feed-record.ts';

/** Makes the record of a statement, with some of its parts as they are given. */
export function recordOf(shown: Partial<ShownRecord>, values: Readonly<Record<string, readonly string[]>> = {}): FeedRecord {
  return {
    index: 7,
    shown: {
      session: '0'.repeat(32),
      seq: 3,
      time: '2026-11-29T12:00:00.000Z',
      channel: 1,
      target: 'orders',
      protocol: 'postgres',
      kind: 'request',
      action: 'postgres.query',
      principal: 'bot',
      verdict: 'allow',
      policies: ['grant'],
      attributes: {},
      content: null,
      record: 'log/7',
      ...shown,
    },
    values: new Map(Object.entries({ principal: ['bot'], group: ['agents'], address: ['10.1.2.3'], ...values })),
  };
}
