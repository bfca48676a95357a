import { printCanonicalJson } from './canonical-json.ts';
import { parseStrictJsonText } from './strict-json.ts';

declare global {
  interface JSON {
    /** Both methods are part of ES2026; the compiler's library does not declare them. */
    rawJSON(text: string): object;
    isRawJSON(value: unknown): boolean;
  }
}

/** Parses JSON so that `JSON.stringify` writes its numbers as they were written, even numbers that a double does not hold. */
export function parseExactNumbers(text: string): unknown {
  return JSON.parse(text, (_key: string, value: unknown, context?: { readonly source?: string }) =>
    typeof value === 'number' && context?.source !== undefined && context.source !== String(value) ? JSON.rawJSON(context.source) : value,
  );
}

/** Returns the same spelling for all JSON that says the same: the order of members and white space do not count. Throws GatewayError `malformed` for JSON that parsers read differently. */
export function canonicalJson(text: string, change: (value: unknown) => unknown = (value) => value): string {
  // This call also limits the depth.
  parseStrictJsonText(text);
  return printCanonicalJson(change(parseExactNumbers(text)));
}
