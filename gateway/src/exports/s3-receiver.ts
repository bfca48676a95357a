import { signAws } from '../exchange/target/aws-signature.ts';
import type { FeedRecord } from './feed-record.ts';
import { sendRecords } from './http-receiver.ts';
import type { Receiver } from './receiver.ts';

export interface S3Address {
  /** The address of the bucket, and below it where objects go: `https://HOST/BUCKET/PREFIX`. */
  readonly url: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly caFile: string | null;
}

/**
 * Puts records as objects of lines into an S3-compatible bucket, `YYYY/MM/DD/LOG-FIRST-LAST.ndjson`. The same records have the same name whenever they are sent.
 */
export function s3Receiver({ url, caFile, ...key }: S3Address, lineOf: (record: FeedRecord) => string): Receiver {
  return {
    batchMax: 2000,
    collectMs: 5000,
    settleMs: 0,
    send: async (records, signal) => {
      const [first, last] = [records.at(0), records.at(-1)];
      if (first === undefined || last === undefined) {
        return;
      }
      const { record, time } = first.shown;
      const name = `${record.slice(0, record.lastIndexOf('/')).replaceAll(/[^\w.-]/g, '_')}-${first.index}-${last.index}.ndjson`;
      const place = new URL(`${url.replace(/\/$/, '')}/${time.slice(0, 10).replaceAll('-', '/')}/${name}`);
      const body = records.map((each) => `${lineOf(each)}\n`).join('');
      const own = [
        ['host', place.host],
        ['content-type', 'application/x-ndjson'],
      ] as const;
      const { headers } = signAws({ method: 'PUT', path: place.pathname, headers: own }, [Buffer.from(body)], { ...key, service: 's3' }, new Date());
      await sendRecords(place, { method: 'PUT', headers: [...own.slice(1), ...headers], body, caFile, signal });
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
