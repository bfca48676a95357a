const crlf = Buffer.from('\r\n');

/** Returns a string with its length before it. */
export function bulk(bytes: Uint8Array, type = '$'): Buffer {
  return Buffer.concat([Buffer.from(`${type}${bytes.length}\r\n`), bytes, crlf]);
}

/** Returns a command: a list of strings. */
export function command(...args: readonly (string | Uint8Array)[]): Buffer {
  return Buffer.concat([Buffer.from(`*${args.length}\r\n`), ...args.map((each) => bulk(typeof each === 'string' ? Buffer.from(each) : each))]);
}

/** Returns a message that no command asked for (RESP3). */
export function push(...args: readonly string[]): Buffer {
  return Buffer.concat([Buffer.from(`>${args.length}\r\n`), ...args.map((each) => bulk(Buffer.from(each)))]);
}

/** Returns a line of a type, `+` or `-`. A text of several lines becomes one. */
export function line(type: '+' | '-', text: string): Buffer {
  return Buffer.from(`${type}${text.replaceAll(/[\r\n]+/g, ' ')}\r\n`);
}
