import { strict as assert } from 'node:assert';
import type { CallHead } from '../domain/call.ts';

/**
 * Prints the head of a request as it is recorded and sent, without the target's credential. Names and values must be valid: the parser that read them checked
 * them.
 */
export function composeRequestHead({ method, path, headers }: CallHead): Buffer {
  return Buffer.from(`${method} ${path} HTTP/1.1\r\n${printHeaders(headers)}\r\n`, 'latin1');
}

/** Prints the head of an answer as it is recorded. */
export function composeResponseHead(status: number, statusText: string, headers: CallHead['headers']): Buffer {
  return Buffer.from(`HTTP/1.1 ${status} ${statusText}\r\n${printHeaders(headers)}\r\n`, 'latin1');
}

export function composeTrailers(trailers: CallHead['headers']): Buffer {
  return Buffer.from(printHeaders(trailers), 'latin1');
}

/** Parses what `composeRequestHead` prints. */
export function parseRequestHead(bytes: Uint8Array): CallHead {
  const lines = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1').split('\r\n');
  const [method, path, version] = (lines[0] ?? '').split(' ');
  assert(method !== undefined && path !== undefined && version === 'HTTP/1.1' && lines.length >= 3, 'a grant begins with a head of ours');
  return { method, path, headers: parseLines(lines.slice(1, -2)) };
}

function parseLines(lines: readonly string[]): CallHead['headers'] {
  return lines.map((line) => {
    const at = line.indexOf(': ');
    return [line.slice(0, at), line.slice(at + 2)] as const;
  });
}

function printHeaders(headers: CallHead['headers']): string {
  let text = '';
  for (const [name, value] of headers) {
    text += `${name}: ${value}\r\n`;
  }
  return text;
}
