import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { Schemas } from '../../api/schema.ts';
import { Recorded } from '../../parts/Recorded.tsx';
import { Time } from '../../parts/Time.tsx';
import { texts } from '../../texts.ts';

const states: Readonly<Record<string, string>> = texts.approvals.state;

/** The approval of a request, as one line of its steps. */
export function ApprovalSteps({ records }: { readonly records: readonly Schemas['ShownRecord'][] }): ReactNode {
  const approval = records[0]?.attributes['countersign.approval.id'];
  return (
    typeof approval === 'string' && (
      <div className="event of-approval">
        <Link to="/approvals/$approval" params={{ approval }}>
          {texts.session.approval}
        </Link>
        <ol className="line">
          {records.map(({ seq, time, attributes }) => {
            const state = String(attributes['countersign.approval.state']);
            const { 'countersign.approval.by': by, 'countersign.approval.note': note, 'countersign.approval.estimated_rows': rows } = attributes;
            return (
              <li key={seq} id={String(seq)}>
                <Time of={time} as="clock" /> {states[state] ?? <Recorded text={state} />}
                {by !== undefined && (
                  <>
                    {' '}
                    {texts.session.policies} <Recorded text={String(by)} />
                  </>
                )}
                {typeof rows === 'number' && ` (${texts.session.estimated(rows)})`}
                {note !== undefined && (
                  <>
                    : <Recorded text={String(note)} />
                  </>
                )}
              </li>
            );
          })}
        </ol>
      </div>
    )
  );
}
