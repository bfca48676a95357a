import type { ShownRecord } from '@countersign/gateway/api';
import { ownAttributes } from '@countersign/gateway/own-attributes';

/** The size of a terminal that nobody has stated. */
const usualSize = '80x24';
const sizeForm = /^(\d{1,9})x(\d{1,9})$/;

export interface CastOptions {
  /** The request whose program is shown. Absent: the first with a terminal. */
  readonly request?: number | undefined;
}

/**
 * Yields the lines of an asciicast of version 2 (docs.asciinema.org/manual/asciicast/v2): the output, the input and the sizes of the terminal of one request. Throws an Error
 * if there is none.
 */
export async function* asciicast(records: AsyncIterable<ShownRecord>, { request }: CastOptions): AsyncGenerator<string> {
  let begun: { readonly seq: number; readonly ms: number } | null = null;
  for await (const record of records) {
    const { kind, seq, time, attributes, content } = record;
    const size = sizeForm.exec(String(attributes[ownAttributes.terminalSize] ?? ''));
    if (begun === null) {
      if (kind === 'request' && (request === undefined ? size !== null : seq === request)) {
        const [, width, height] = size ?? sizeForm.exec(usualSize) ?? [];
        begun = { seq, ms: Date.parse(time) };
        yield `${JSON.stringify({ version: 2, width: Number(width), height: Number(height), timestamp: Math.floor(begun.ms / 1000) })}\n`;
      }
      continue;
    }
    if (attributes[ownAttributes.request] !== begun.seq) {
      continue;
    }
    const stream = attributes['log.iostream'];
    const [code, text] = stream === undefined ? ['r', size?.[0]] : [stream === 'stdin' ? 'i' : 'o', content?.text];
    if (text !== undefined && text !== '') {
      yield `${JSON.stringify([(Date.parse(time) - begun.ms) / 1000, code, text])}\n`;
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
