import { Navigate, useParams } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useLines } from '../../api/use-lines.ts';
import { Failure } from '../../parts/Failure.tsx';
import { texts } from '../../texts.ts';

/** Leads from the place of a record in the log to its place in its session. */
export function RecordPage(): ReactNode {
  const { log, index } = useParams({ from: '/records/$log/$index' });
  const { lines, error } = useLines('GET /api/v1/records/{log}/{index}', { path: { log, index: Number(index) } });
  const [record] = lines;
  return error !== null ? (
    <Failure error={error} />
  ) : record === undefined ? (
    <p role="status">{texts.state.loading}</p>
  ) : (
    <Navigate to="/sessions/$session" params={{ session: record.session }} hash={String(record.seq)} replace />
  );
}
