import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { Schemas } from '../../api/schema.ts';
import { Recorded } from '../../parts/Recorded.tsx';
import { texts } from '../../texts.ts';
import { MarkedText } from './MarkedText.tsx';

interface RowViewProps {
  readonly row: Schemas['ComparedRequests'];
  readonly session: string;
  readonly other: string;
}

/** A request of one session beside that of the other, each with its answer. */
export function RowView({ row, session, other }: RowViewProps): ReactNode {
  const { change, target, action, a, b } = row;
  return (
    <section className={`pair of-${change}`}>
      <h3>
        <span className={`mark ${change === 'same' ? 'low' : 'medium'}`}>{texts.diff.changes[change]}</span> {target !== null && <Recorded text={target} />}{' '}
        {action !== null && <code>{action}</code>}
      </h3>
      <SideView row={row} of={a} side="a" session={session} />
      <SideView row={row} of={b} side="b" session={other} />
    </section>
  );
}

interface SideViewProps {
  readonly row: Schemas['ComparedRequests'];
  readonly of: Schemas['ComparedRequest'] | null;
  readonly side: 'a' | 'b';
  readonly session: string;
}

function SideView({ row, of, side, session }: SideViewProps): ReactNode {
  if (of === null) {
    return <p className="quiet none">{texts.diff.nothing}</p>;
  }
  const { seq, asked, answer, causes } = of;
  return (
    <div>
      <Link to="/sessions/$session" params={{ session }} hash={String(seq)} aria-label={texts.diff.place(side, seq)}>
        {side === 'a' ? 'A' : 'B'} #{seq}
      </Link>
      {row.change === 'cause' && (
        <p>
          {texts.diff.cause} <Recorded text={[...causes.calls, ...(causes.causedBy === null ? [] : [`#${causes.causedBy}`])].join(', ')} />
        </p>
      )}
      {asked === '' && answer === '' && <p className="quiet">{texts.session.noContent}</p>}
      {asked !== '' && (
        <pre className="asked">
          <MarkedText text={asked} pieces={row.asked} side={side} />
        </pre>
      )}
      {answer !== '' && (
        <pre className="answer">
          <MarkedText text={answer} pieces={row.answer} side={side} />
        </pre>
      )}
    </div>
  );
}
