import type { ReactNode } from 'react';
import type { Schemas } from '../../api/schema.ts';
import { Later } from '../../parts/Later.tsx';
import { Recorded } from '../../parts/Recorded.tsx';
import { Time } from '../../parts/Time.tsx';
import { VerdictMark } from '../../parts/VerdictMark.tsx';
import { TraceLink } from '../../parts/TraceLink.tsx';
import { texts } from '../../texts.ts';
import { EventView } from './EventView.tsx';
import { ApprovalSteps } from './ApprovalSteps.tsx';
import { Facts } from './Facts.tsx';
import { HttpMessageView } from './HttpMessageView.tsx';
import { joinTexts } from './joined-texts.ts';
import { joinTables } from './joined-tables.ts';
import type { Act } from './joined-timeline.ts';
import { Masked } from './Masked.tsx';
import { RowsTable } from './RowsTable.tsx';
import { StatementText } from './StatementText.tsx';
import { TurnView } from './TurnView.tsx';
import { Why } from './Why.tsx';

/** Records that have a place of their own in an act, or none. */
const placed: ReadonlySet<string> = new Set(['request', 'mask', 'approval']);

/** A request with its answer. That of a model is a turn of a conversation. */
export function ActView({ act }: { readonly act: Act }): ReactNode {
  const { request, answers, others, turn } = act;
  const masks = others.filter(({ kind }) => kind === 'mask');
  const isOfAnswer = ({ attributes }: Schemas['ShownRecord']): boolean => attributes['countersign.answer'] !== undefined;
  return (
    <article className={`act ${request.verdict ?? ''}`} id={String(request.seq)} tabIndex={-1}>
      <header>
        <a href={`#${request.seq}`}>
          <Time of={request.time} as="clock" />
        </a>{' '}
        {request.target !== null && <Recorded text={request.target} />} <code>{request.action}</code> <VerdictMark verdict={request.verdict} />{' '}
        <Why record={request} />
        {isFollowed([request, ...others]) && <TraceLink record={request.record} />} <Facts records={[request, ...answers, ...others]} />
      </header>
      {turn === null ? <Asked record={request} /> : <TurnView turn={turn} request={request} answers={answers} />}
      <Masked masks={masks.filter((mask) => !isOfAnswer(mask))} label={texts.session.maskedRequest} />
      <ApprovalSteps records={others.filter(({ kind }) => kind === 'approval')} />
      {others
        .filter(({ kind }) => !placed.has(kind))
        .map((record) => (
          <EventView key={record.seq} record={record} />
        ))}
      {turn === null && <Answer answers={answers} />}
      <Masked masks={masks.filter(isOfAnswer)} label={texts.session.maskedAnswer} />
    </article>
  );
}

/** Returns whether records say of values where they came from or went. */
function isFollowed(records: readonly Schemas['ShownRecord'][]): boolean {
  return records.some(({ attributes }) => attributes['countersign.carried'] !== undefined || attributes['countersign.followed'] !== undefined);
}

/** The answer, of which the parts are shown as one. */
function Answer({ answers }: { readonly answers: readonly Schemas['ShownRecord'][] }): ReactNode {
  const text = joinTexts(answers);
  const tables = joinTables(answers).filter(({ rows }) => rows.length > 0);
  const asText = <MessageText text={text} protocol={answers[0]?.protocol ?? null} as="answer" />;
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

function Asked({ record: { content, protocol, attributes } }: { readonly record: Schemas['ShownRecord'] }): ReactNode {
  const text = content?.text ?? '';
  return content === null ? (
    <p className="quiet">{texts.session.noContent}</p>
  ) : attributes['countersign.statements'] === undefined ? (
    <MessageText text={text} protocol={protocol} as="asked" />
  ) : (
    <pre className="asked">
      <StatementText text={text} />
    </pre>
  );
}

function MessageText({ text, protocol, as }: { readonly text: string; readonly protocol: string | null; readonly as: 'asked' | 'answer' }): ReactNode {
  return protocol === 'http' ? (
    <HttpMessageView text={text} as={as} />
  ) : (
    <pre className={as}>
      <Recorded text={text} />
    </pre>
  );
}
