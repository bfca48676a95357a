import type { ReactNode } from 'react';
import { Recorded } from '../../parts/Recorded.tsx';
import { Time } from '../../parts/Time.tsx';
import { texts } from '../../texts.ts';
import { Facts } from './Facts.tsx';
import type { Output } from './joined-timeline.ts';

/** The output of a program, as it would be seen in a terminal that follows no commands in it. */
export function OutputView({ output: { records } }: { readonly output: Output }): ReactNode {
  const [first] = records;
  return (
    first !== undefined && (
      <article className="act" id={String(first.seq)} tabIndex={-1}>
        <header>
          <a href={`#${first.seq}`}>
            <Time of={first.time} as="clock" />
          </a>{' '}
          {texts.session.output} <Facts records={records} />
        </header>
        <pre className="terminal">
          {records.map(({ seq, content, attributes }) => (
            <span key={seq} className={attributes['log.iostream'] === 'stderr' ? 'stderr' : undefined}>
              <Recorded text={content?.text ?? ''} />
            </span>
          ))}
        </pre>
      </article>
    )
  );
}
