import type { ShownRecord } from '@countersign/gateway/api';
import { ownAttributes } from '@countersign/gateway/own-attributes';

/** The size of a terminal that nobody has stated. */
const usualSize = '80x24';
const sizeForm = /^(\d{1,9})x(\d{1,9})$/;

export const castVersions = ['2', '3'] as const;

export interface CastOptions {
  readonly version: (typeof castVersions)[number];
  /** The request whose program is shown. Absent: the first with a terminal. */
  readonly request?: number | undefined;
}

/**
 * Yields the lines of an asciicast (docs.asciinema.org/manual/asciicast/v2 and v3): the output, the input and the sizes of the terminal of one request; in version 3 also its
 * exit status. Throws an Error if there is none.
 */
export async function* asciicast(records: AsyncIterable<ShownRecord>, { version, request }: CastOptions): AsyncGenerator<string> {
  let begun: { readonly seq: number; readonly ms: number } | null = null;
  let lastMs = 0;
  for await (const record of records) {
    const { kind, seq, time, attributes } = record;
    const ms = Date.parse(time);
    const size = sizeForm.exec(String(attributes[ownAttributes.terminalSize] ?? ''));
    if (begun === null) {
      if (kind === 'request' && (request === undefined ? size !== null : seq === request)) {
        begun = { seq, ms };
        lastMs = ms;
        yield `${JSON.stringify(headOf(version, size ?? sizeForm.exec(usualSize), ms))}\n`;
      }
      continue;
    }
    const event = attributes[ownAttributes.request] === begun.seq ? eventOf(record, size, version) : null;
    if (event !== null) {
      // Version 2 counts from the beginning, version 3 from the event before.
      yield `${JSON.stringify([(ms - (version === '2' ? begun.ms : lastMs)) / 1000, ...event])}\n`;
      lastMs = ms;
    }
  }
  if (begun === null) {
    throw new Error(
      request === undefined
        ? 'no program of this session has a terminal: --record says which request to show'
        : `the session has no request with the number ${request}`,
    );
  }
}

function headOf(version: CastOptions['version'], size: readonly string[] | null, ms: number): object {
  const [, width, height] = (size ?? []).map(Number);
  const timestamp = Math.floor(ms / 1000);
  return version === '2' ? { version: 2, width, height, timestamp } : { version: 3, term: { cols: width, rows: height }, timestamp };
}

/** Returns the code and the data of an event. Null: the record says nothing that a player shows. */
function eventOf(
  { attributes, content }: ShownRecord,
  size: readonly string[] | null,
  version: CastOptions['version'],
): readonly [code: string, data: string] | null {
  const stream = attributes['log.iostream'];
  if (stream !== undefined) {
    const text = content?.text ?? '';
    return text === '' ? null : [stream === 'stdin' ? 'i' : 'o', text];
  }
  const [shown] = size ?? [];
  if (shown !== undefined) {
    return ['r', shown];
  }
  const code = attributes['process.exit.code'];
  return version === '3' && code !== undefined ? ['x', String(code)] : null;
}
