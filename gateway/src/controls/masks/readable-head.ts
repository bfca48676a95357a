const headBytesMax = 64 * 1024;
const requestLine = /^[A-Z]{1,16} \S+ HTTP\/1\.[01]\r\n/;
/** The name of the target, which is the gateway's own text, and headers by which a client proves who it is: they are not for people to read, and many look like a value of a class. */
const unread = /^(?:host|authorization|proxy-authorization|cookie|x-api-key|api-key|x-goog-api-key|x-amz-(?!meta-)[\w-]+)$/;

/** Returns the head of a request over HTTP as a person would read it, without the host and the credentials of the client; null if the bytes do not begin with one. */
export function readableHead(bytes: readonly Uint8Array[]): string | null {
  const begun = Buffer.concat(bytes.slice(0, 2)).toString('latin1', 0, headBytesMax);
  if (!requestLine.test(begun)) {
    return null;
  }
  const [asked = '', ...lines] = begun.slice(0, Math.max(0, begun.indexOf('\r\n\r\n'))).split('\r\n');
  // Names and values of an address are read as the target reads them.
  const read = asked.replaceAll(/%([\da-f]{2})|\+/gi, (_found, code?: string) => (code === undefined ? ' ' : String.fromCharCode(Number.parseInt(code, 16))));
  return [asked, read, ...lines.filter((line) => !unread.test(line.slice(0, Math.max(0, line.indexOf(':'))).toLowerCase()))].join('\n');
}
