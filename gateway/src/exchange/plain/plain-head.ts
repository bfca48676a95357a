import { parseHeaderLine } from '../header-line.ts';

const headBytesMax = 16 * 1024;
const headersMax = 128;
const headEnd = Buffer.from('\r\n\r\n');
const lineEnd = '\r\n';
/** The characters of the address are those that RFC 3986 allows in a path and a query. */
const requestLine = /^(GET|HEAD|POST|PUT|DELETE|PATCH|OPTIONS) (\/[\w.~!$&'()*+,;=:@%/?-]*) HTTP\/1\.1$/;
const lengthValue = /^(?:0|[1-9]\d{0,14})$/;
/** Headers that frame a body in another way than by its length, ask for more than one answer, or that some readers take for `connection`. */
const notPlain: ReadonlySet<string> = new Set(['transfer-encoding', 'upgrade', 'expect', 'proxy-connection']);

/** The head of a request that all readers of HTTP understand in the same way. */
export interface PlainHead {
  readonly method: string;
  /** The path and the query, as the client sent them. */
  readonly url: string;
  /** Names, in lower case, and values in turn. */
  readonly rawHeaders: readonly string[];
  readonly host: string;
  /** The announced length of the body; undefined if there is none. */
  readonly contentLength: string | undefined;
  /** The length of the head in bytes. */
  readonly bytes: number;
}

/**
 * Reads the head of a request from the first bytes of a request, if the head is whole and plain. A plain head has a common method, HTTP/1.1, one host, at most one
 * length of the body, and no header that changes how the connection continues. Returns null for any other head, valid or not: Node's server judges it.
 */
export function readPlainHead(bytes: Buffer): PlainHead | null {
  const end = bytes.indexOf(headEnd);
  if (end === -1 || end > headBytesMax) {
    return null;
  }
  const text = bytes.toString('latin1', 0, end);
  const firstEnd = text.indexOf(lineEnd);
  const [, method, url] = requestLine.exec(text.slice(0, Math.max(0, firstEnd))) ?? [];
  if (method === undefined || url === undefined) {
    return null;
  }
  const rawHeaders: string[] = [];
  let host: string | undefined;
  let contentLength: string | undefined;
  for (let at = firstEnd + lineEnd.length; at < text.length;) {
    const found = text.indexOf(lineEnd, at);
    const next = found === -1 ? text.length : found;
    const line = parseHeaderLine(text.slice(at, next));
    if (line === null || rawHeaders.length >= 2 * headersMax) {
      return null;
    }
    const name = line[0].toLowerCase();
    const value = line[1];
    const isPlain =
      name === 'host' ? host === undefined : name === 'content-length' ? contentLength === undefined && lengthValue.test(value) : isPlainHeader(name, value);
    if (!isPlain) {
      return null;
    }
    if (name === 'host') {
      host = value;
    } else if (name === 'content-length') {
      contentLength = value;
    }
    rawHeaders.push(name, value);
    at = next + lineEnd.length;
  }
  return host === undefined ? null : { method, url, rawHeaders, host, contentLength, bytes: end + headEnd.length };
}

function isPlainHeader(name: string, value: string): boolean {
  return name === 'connection' ? value.toLowerCase() === 'keep-alive' : !notPlain.has(name);
}
