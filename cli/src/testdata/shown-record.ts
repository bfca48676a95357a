import type { ShownRecord } from '@countersign/gateway/api';

/** A record of an answer with this text, as the API shows it. `given` says what else it is. */
export function shownRecord(text: string, given: Partial<ShownRecord> = {}): ShownRecord {
  return {
    session: '0'.repeat(32),
    seq: 4,
    time: '2026-01-02T03:04:05.678Z',
    channel: 2,
    target: 'model',
    protocol: 'any',
    kind: 'response',
    action: null,
    principal: 'bot',
    verdict: null,
    policies: [],
    attributes: {},
    content: { mediaType: 'text/plain', text, bytes: text.length },
    record: 'x/1',
    ...given,
  };
}
