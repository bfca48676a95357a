import type { ReactNode } from 'react';
import type { Schemas } from '../../api/schema.ts';
import { Recorded } from '../../parts/Recorded.tsx';
import { Time } from '../../parts/Time.tsx';
import { VerdictMark } from '../../parts/VerdictMark.tsx';
import { Facts } from './Facts.tsx';
import { Why } from './Why.tsx';

/** A record that is no request and no answer, on one line. */
export function EventView({ record }: { readonly record: Schemas['ShownRecord'] }): ReactNode {
  const { seq, time, kind, action, target, verdict, content } = record;
  return (
    <div className={`event of-${kind}`} id={String(seq)} tabIndex={-1}>
      <Time of={time} as="clock" /> {target !== null && <Recorded text={target} />} <code>{kind}</code> {action !== null && <code>{action}</code>}{' '}
      <VerdictMark verdict={verdict} /> <Why record={record} />
      {content?.text !== undefined && content.text !== '' && <Recorded text={content.text} />}
      <Facts records={[record]} />
    </div>
  );
}
