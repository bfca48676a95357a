import { Fragment, useMemo, useState, type ReactNode } from 'react';
import type { Schemas } from '../../api/schema.ts';
import { Later } from '../../parts/Later.tsx';
import { Recorded } from '../../parts/Recorded.tsx';
import { Time } from '../../parts/Time.tsx';
import { texts } from '../../texts.ts';
import { Facts } from './Facts.tsx';
import type { Output } from './joined-timeline.ts';
import { terminalText, type TextStyle } from './terminal-text.ts';

/** So many of the last records are shown before somebody asks for more. */
const shownAtFirst = 500;

/** The output of a program, as it is seen in a terminal. Where the program has printed over something, that is there too. */
export function OutputView({ output: { records } }: { readonly output: Output }): ReactNode {
  const [limit, setLimit] = useState(shownAtFirst);
  const shown = useMemo(() => records.slice(-limit), [records, limit]);
  const { lines, isOverwritten } = useMemo(() => terminalText(shown.map((record) => ({ text: textOf(record), isError: isError(record) }))), [shown]);
  const [first] = records;
  return (
    first !== undefined && (
      <article className="act" id={String(first.seq)} tabIndex={-1}>
        <header>
          <a href={`#${first.seq}`}>
            <Time of={first.time} as="clock" />
          </a>{' '}
          {texts.session.output} <Facts records={shown} />
        </header>
        {records.length > limit && (
          <button type="button" onClick={() => setLimit(limit * 4)}>
            {texts.state.hidden(records.length - limit)}
          </button>
        )}
        <pre className="terminal">
          {lines.map((runs, at) => (
            <Fragment key={at}>
              {runs.map(({ text, style }, place) => (
                <span key={place} className={classesOf(style)}>
                  <Recorded text={text} />
                </span>
              ))}
              {at < lines.length - 1 && '\n'}
            </Fragment>
          ))}
        </pre>
        {isOverwritten && (
          <Later className="opened quiet" summary={texts.session.overwritten}>
            <pre className="terminal">
              <Recorded text={shown.map(textOf).join('')} />
            </pre>
          </Later>
        )}
      </article>
    )
  );
}

function textOf({ content }: Schemas['ShownRecord']): string {
  return content?.text ?? '';
}

function isError({ attributes }: Schemas['ShownRecord']): boolean {
  return attributes['log.iostream'] === 'stderr';
}

function classesOf({ colour, isBold, isItalic, isUnderlined, isError: isOfErrors }: TextStyle): string {
  return [isOfErrors && 'stderr', colour, isBold && 'bold', isItalic && 'italic', isUnderlined && 'underlined'].filter((name) => name !== false).join(' ');
}
