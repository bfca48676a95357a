import type { ReactNode } from 'react';
import type { Schemas } from '../api/schema.ts';
import { texts } from '../texts.ts';

const [high, medium] = [60, 30];

/** The risk of a session. The reasons are never left out: they are what is read to who does not see the number. */
export function RiskMark({ risk: { score, reasons } }: { readonly risk: Schemas['SessionOverview']['risk'] }): ReactNode {
  const level = score >= high ? 'high' : score >= medium ? 'medium' : 'low';
  return (
    <span className={`mark ${level}`} title={reasons.join('\n')}>
      {texts.session.risk(score)}
      <span className="heard">{reasons.join('; ')}</span>
    </span>
  );
}
