const lineBytes = 16;

/** Prints bytes as lines with their place, in hex and, where they are ASCII, as text. */
export function hexDump(bytes: Uint8Array): string {
  const lines: string[] = [];
  for (let from = 0; from < bytes.length; from += lineBytes) {
    const some = [...bytes.subarray(from, from + lineBytes)];
    const hex = some.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const text = some.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('');
    lines.push(`${from.toString(16).padStart(8, '0')}  ${hex.padEnd(lineBytes * 3 - 1)}  ${text}`);
  }
  return lines.join('\n');
}
