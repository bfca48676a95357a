const headBytesMax = 256 * 1024;
/** A method has any characters of a token (RFC 9110, 5.6.2), such as `M-SEARCH`. */
const requestLine = /^[!#$%&'*+.^`|~\w-]+ \S+ HTTP\/1\.[01]\r\n/;
/** Headers by which a client proves who it is, and those of AWS about the request itself: they are not for people to read, and many look like a value of a class. */
const credentials =
  'authorization|proxy-authorization|x-api-key|api-key|x-goog-api-key|x-amz-(?:date|expires|security-token|content-sha256|checksum-[\\w-]+|sdk-[\\w-]+|algorithm|credential|signature|signedheaders|id-2)';
/** Matches the name of a header that is not read as a text. The host is the gateway's own name of the target. */
const unread = new RegExp(`^(?:host|cookie|${credentials})$`);
const none: readonly string[] = [];

/** Returns the head of a request over HTTP as a person would read it, without the host, cookies and the credentials of the client; null if the bytes do not begin with one. */
export function readableHead(bytes: readonly Uint8Array[]): string | null {
  const [asked = '', ...lines] = linesOf(bytes);
  if (asked === '') {
    return null;
  }
  // Names and values of an address are read as the target reads them. Each part of a path is a text of its own.
  const read = asked.replaceAll(/%([\da-f]{2})|\+/gi, (_found, code?: string) => (code === undefined ? ' ' : String.fromCharCode(Number.parseInt(code, 16))));
  const parts = read.replaceAll('/', ' ');
  return [asked, read, parts, ...lines.filter((line) => !unread.test(nameOf(line)))].join('\n');
}

/** Returns the cookies of a request over HTTP. A cookie may be a text, and may be a credential. */
export function cookiesOf(bytes: readonly Uint8Array[]): string {
  return linesOf(bytes)
    .filter((line) => nameOf(line) === 'cookie')
    .join('\n');
}

/** Returns the request line and the headers; nothing if the bytes do not begin with a head. */
function linesOf(bytes: readonly Uint8Array[]): readonly string[] {
  const begun = Buffer.concat(bytes.slice(0, 2)).toString('latin1', 0, headBytesMax);
  return requestLine.test(begun) ? (begun.split('\r\n\r\n', 1)[0]?.split('\r\n') ?? none) : none;
}

function nameOf(line: string): string {
  return line.slice(0, Math.max(0, line.indexOf(':'))).toLowerCase();
}
