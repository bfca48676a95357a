import { useQuery } from '@tanstack/react-query';
import { useEffect, useState, type ReactNode } from 'react';
import { askFile } from '../../api/ask.ts';
import type { Schemas } from '../../api/schema.ts';
import { Failure } from '../../parts/Failure.tsx';
import { Later } from '../../parts/Later.tsx';
import { Recorded } from '../../parts/Recorded.tsx';
import { texts } from '../../texts.ts';
import { mediaBytes } from './media-bytes.ts';
import type { MediaPart } from './messages.ts';

/** The kinds of pictures that are shown. One of SVG is a document, and is not. */
const shown: ReadonlySet<string> = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp']);
/** The longest body that is looked into, in bytes. */
const bytesMax = 32 * 1024 * 1024;

interface Media {
  readonly part: MediaPart;
  /** The request or the answers in which it may be. */
  readonly records: readonly Schemas['ShownRecord'][];
}

/** A picture or another file in a message. A picture is shown when somebody opens it: its bytes are asked for then, and have the digest that was recorded. */
export function MediaView({ part, records }: Media): ReactNode {
  const words = <Recorded text={texts.session.media(part)} />;
  return part.modality === 'image' && shown.has(part.type) ? (
    <Later summary={words}>
      <Picture part={part} records={records} />
    </Later>
  ) : (
    <p className="quiet">{words}</p>
  );
}

function Picture({ part, records }: Media): ReactNode {
  const { data: bytes, error } = useQuery({
    queryKey: ['media', records[0]?.session, records[0]?.seq, part.sha256],
    queryFn: async ({ signal }) => find(records, part, signal),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const [address, setAddress] = useState('');
  useEffect(() => {
    if (bytes === undefined || bytes === null) {
      return undefined;
    }
    const made = URL.createObjectURL(new Blob([bytes], { type: part.type }));
    setAddress(made);
    return () => URL.revokeObjectURL(made);
  }, [bytes, part.type]);
  return error !== null ? (
    <Failure error={error} />
  ) : bytes === undefined ? (
    <p role="status">{texts.state.loading}</p>
  ) : bytes === null ? (
    <p className="quiet">{texts.session.noMedia}</p>
  ) : (
    address !== '' && <img className="picture" src={address} alt={texts.session.media(part)} />
  );
}

async function find(records: readonly Schemas['ShownRecord'][], part: MediaPart, signal: AbortSignal): Promise<Uint8Array<ArrayBuffer> | null> {
  for (const { session, seq, content } of records) {
    if (content !== null && content.bytes <= bytesMax) {
      const body = await askFile('GET /api/v1/sessions/{session}/records/{record}/bytes', { path: { session, record: seq }, query: { bytes: '0-' }, signal });
      const found = await mediaBytes(new TextDecoder().decode(body), part);
      if (found !== null) {
        return found;
      }
    }
  }
  return null;
}
