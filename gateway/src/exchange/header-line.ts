const headerLine = /^([!#$%&'*+.^_`|~\dA-Za-z-]+):([\t\x20-\x7e\x80-\xff]*)$/;

/** Splits a header line without its end into name and value (RFC 9112, 5). Returns null if it is none. Continued lines and white space before the colon are not allowed. */
export function parseHeaderLine(line: string): readonly [name: string, value: string] | null {
  const [, name, value = ''] = headerLine.exec(line) ?? [];
  return name === undefined ? null : [name, withoutBlanks(value)];
}

/** Removes spaces and tabs around a value, but no other white space. */
function withoutBlanks(value: string): string {
  let start = 0;
  let end = value.length;
  while (start < end && isBlank(value, start)) {
    start += 1;
  }
  while (end > start && isBlank(value, end - 1)) {
    end -= 1;
  }
  return value.slice(start, end);
}

function isBlank(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code === 0x20 || code === 0x09;
}
