/** Vectors that code of the Go team made; `tools/vectors/main.go` says how, and what each line is. */
import { readFileSync } from 'node:fs';

/** One object a line. */
export function readVectorLines(name: 'inclusion' | 'consistency' | 'log'): Record<string, unknown>[] {
  const lines = readFileSync(new URL(`vectors/${name}.ndjson`, import.meta.url), 'utf8')
    .trimEnd()
    .split('\n');
  return lines.map((line): Record<string, unknown> => JSON.parse(line));
}

/** Bytes in Base64. */
export function bytesOf(value: unknown): Uint8Array {
  return Uint8Array.from(Buffer.from(String(value), 'base64'));
}
