import type { ReactNode } from 'react';
import type { Schemas } from '../../api/schema.ts';
import { Later } from '../../parts/Later.tsx';
import { Recorded } from '../../parts/Recorded.tsx';
import { Time } from '../../parts/Time.tsx';
import { VerdictMark } from '../../parts/VerdictMark.tsx';
import { texts } from '../../texts.ts';
import { EventView } from './EventView.tsx';
import { Facts } from './Facts.tsx';
import { joinTables } from './joined-tables.ts';
import type { Act } from './joined-timeline.ts';
import { RowsTable } from './RowsTable.tsx';
import { TurnView } from './TurnView.tsx';
import { Why } from './Why.tsx';

/** A request with its answer. That of a model is a turn of a conversation. */
export function ActView({ act }: { readonly act: Act }): ReactNode {
  const { request, answers, others, turn } = act;
  return (
    <article className={`act ${request.verdict ?? ''}`} id={String(request.seq)}>
      <header>
        <a href={`#${request.seq}`}>
          <Time of={request.time} as="clock" />
        </a>{' '}
        {request.target !== null && <Recorded text={request.target} />} <code>{request.action}</code> <VerdictMark verdict={request.verdict} />
        <Why record={request} />
        <Facts records={[request, ...answers, ...others]} />
      </header>
      {turn === null ? <RecordedContent record={request} as="asked" /> : <TurnView turn={turn} answers={answers} />}
      {others
        .filter(({ kind }) => kind !== 'request')
        .map((record) => (
          <EventView key={record.seq} record={record} />
        ))}
      {turn === null && <Answer answers={answers} />}
    </article>
  );
}

/** The answer, of which the parts are shown as one. */
function Answer({ answers }: { readonly answers: readonly Schemas['ShownRecord'][] }): ReactNode {
  const text = answers.map(({ content }) => content?.text ?? '').join('');
  const tables = joinTables(answers).filter(({ rows }) => rows.length > 0);
  const asText = (
    <pre className="answer">
      <Recorded text={text} />
    </pre>
  );
  return text === '' ? null : tables.length === 0 ? (
    asText
  ) : (
    <>
      {tables.map((table, at) => (
        <RowsTable key={at} table={table} />
      ))}
      <Later summary={texts.session.asText}>{asText}</Later>
    </>
  );
}

function RecordedContent({ record, as }: { readonly record: Schemas['ShownRecord']; readonly as: 'asked' | 'answer' }): ReactNode {
  const { content } = record;
  return content === null ? (
    <p className="quiet">{texts.session.noContent}</p>
  ) : (
    <pre className={as}>
      <Recorded text={content.text ?? ''} />
    </pre>
  );
}
