import type { ReactNode } from 'react';
import type { Schemas } from '../../api/schema.ts';
import { Later } from '../../parts/Later.tsx';
import { Recorded } from '../../parts/Recorded.tsx';
import { texts } from '../../texts.ts';
import { TraceLink } from '../../parts/TraceLink.tsx';
import { ReceiptCheck } from './ReceiptCheck.tsx';
import { RecordBytes } from './RecordBytes.tsx';

/** All that is known of records, made only when somebody opens it. */
export function Facts({ records }: { readonly records: readonly Schemas['ShownRecord'][] }): ReactNode {
  return (
    <Later className="facts" summary={texts.session.facts}>
      {records.map((record) => (
        <section key={record.seq}>
          <h4>
            {record.kind} {record.seq}{' '}
            <a href={`/api/v1/receipts/${record.record}`} download={`${record.record.replace('/', '-')}.tlog-proof`}>
              {texts.session.receipt}
            </a>{' '}
            <TraceLink record={record.record} />
          </h4>
          <ReceiptCheck record={record.record} />
          <dl>
            {Object.entries(record.attributes).map(([name, value]) => (
              <div key={name}>
                <dt>
                  <Recorded text={name} />
                </dt>
                <dd>
                  <Recorded text={Array.isArray(value) ? value.join(', ') : String(value)} />
                </dd>
              </div>
            ))}
          </dl>
          <RecordBytes record={record} />
        </section>
      ))}
    </Later>
  );
}
