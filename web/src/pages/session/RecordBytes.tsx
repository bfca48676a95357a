import { useQuery } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { askFile } from '../../api/ask.ts';
import type { Schemas } from '../../api/schema.ts';
import { Failure } from '../../parts/Failure.tsx';
import { Later } from '../../parts/Later.tsx';
import { Recorded } from '../../parts/Recorded.tsx';
import { texts } from '../../texts.ts';
import { hexDump } from './hex-dump.ts';

/** So many bytes are asked for before somebody wants more. */
const bytesShown = 4096;
const forms = { raw: (bytes: Uint8Array): string => new TextDecoder().decode(bytes), hex: hexDump } as const;

/** The bytes of a record as they were recorded, asked for only when somebody opens them: as text, and in hex. */
export function RecordBytes({ record }: { readonly record: Schemas['ShownRecord'] }): ReactNode {
  return (
    record.content !== null &&
    record.content.bytes > 0 && (
      <>
        <Later summary={texts.session.raw}>
          <Bytes record={record} total={record.content.bytes} print={forms.raw} />
        </Later>
        <Later summary={texts.session.hex}>
          <Bytes record={record} total={record.content.bytes} print={forms.hex} />
        </Later>
      </>
    )
  );
}

function Bytes({
  record: { session, seq },
  total,
  print,
}: {
  readonly record: Schemas['ShownRecord'];
  readonly total: number;
  readonly print: (bytes: Uint8Array) => string;
}): ReactNode {
  const [limit, setLimit] = useState(bytesShown);
  const shown = Math.min(limit, total);
  const { data, error } = useQuery({
    queryKey: ['bytes', session, seq, shown],
    queryFn: async ({ signal }) =>
      askFile('GET /api/v1/sessions/{session}/records/{record}/bytes', { path: { session, record: seq }, query: { bytes: `0-${shown - 1}` }, signal }),
    staleTime: Number.POSITIVE_INFINITY,
  });
  return error !== null ? (
    <Failure error={error} />
  ) : data === undefined ? (
    <p role="status">{texts.state.loading}</p>
  ) : (
    <>
      <pre className="answer">
        <Recorded text={print(data)} />
      </pre>
      {total > shown && (
        <button type="button" onClick={() => setLimit(limit * 4)}>
          {texts.session.hiddenBytes(total - shown)}
        </button>
      )}
    </>
  );
}
