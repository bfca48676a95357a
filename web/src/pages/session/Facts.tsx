import { useState, type ReactNode } from 'react';
import type { Schemas } from '../../api/schema.ts';
import { Recorded } from '../../parts/Recorded.tsx';
import { texts } from '../../texts.ts';

/** All that is known of records, made only when somebody opens it. */
export function Facts({ records }: { readonly records: readonly Schemas['ShownRecord'][] }): ReactNode {
  const [isOpen, setOpen] = useState(false);
  return (
    <details className="facts" onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>{texts.session.facts}</summary>
      {isOpen &&
        records.map(({ seq, kind, record, attributes }) => (
          <section key={seq}>
            <h4>
              {kind} {seq}{' '}
              <a href={`/api/v1/receipts/${record}`} download={`${record.replace('/', '-')}.tlog-proof`}>
                {texts.session.receipt}
              </a>
            </h4>
            <dl>
              {Object.entries(attributes).map(([name, value]) => (
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
          </section>
        ))}
    </details>
  );
}
