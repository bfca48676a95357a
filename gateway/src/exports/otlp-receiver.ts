import { z } from 'zod';
import type { FeedRecord } from './feed-record.ts';
import { sendRecords } from './http-receiver.ts';
import { RefusedRecords, type Receiver } from './receiver.ts';

const partial = z.object({ partialSuccess: z.object({ rejectedLogRecords: z.coerce.number(), errorMessage: z.string().default('') }).optional() });

export interface OtlpAddress {
  /** The address of the collector; logs go to `v1/logs` below it. */
  readonly url: string;
  /** The value of the header `Authorization`; null: there is none. */
  readonly authorization: string | null;
  readonly caFile: string | null;
}

/** Sends records as logs of OTLP over HTTP, in JSON. */
export function otlpReceiver({ url, authorization, caFile }: OtlpAddress, logsOf: (records: readonly FeedRecord[]) => object): Receiver {
  const place = new URL(`${url.replace(/\/$/, '')}/v1/logs`);
  const headers = [['content-type', 'application/json'] as const, ...(authorization === null ? [] : [['authorization', authorization] as const])];
  return {
    batchMax: 500,
    collectMs: 200,
    settleMs: 0,
    send: async (records, signal) => {
      const answer = await sendRecords(place, { method: 'POST', headers, body: JSON.stringify(logsOf(records)), caFile, signal });
      const { success, data } = partial.safeParse(readJson(answer));
      const { rejectedLogRecords = 0, errorMessage = '' } = (success ? data.partialSuccess : undefined) ?? {};
      // It does not say which ones, so they are sent again one by one.
      if (rejectedLogRecords > 0) {
        throw new RefusedRecords(`The receiver rejects ${rejectedLogRecords} of them: ${errorMessage.slice(0, 200)}`);
      }
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
