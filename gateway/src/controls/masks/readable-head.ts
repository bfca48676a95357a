import type { ClassSet } from '../../classes/class-set.ts';
import { WholeTexts } from '../../classes/whole-texts.ts';

const headBytesMax = 256 * 1024;
/** A method has any characters of a token (RFC 9110, 5.6.2), such as `M-SEARCH`. */
const requestLine = /^[!#$%&'*+.^`|~\w-]+ \S+ HTTP\/1\.[01]\r\n/;
/** Headers by which a client proves who it is, and those of AWS about the request itself: they are not for people to read, and many look like a value of a class. */
const credentials =
  'authorization|proxy-authorization|x-api-key|api-key|x-goog-api-key|x-amz-(?:date|expires|security-token|content-sha256|checksum-[\\w-]+|sdk-[\\w-]+|algorithm|credential|signature|signedheaders|id-2)';
/** Matches the name of a header that is not read as a text. The host is the gateway's own name of the target. */
const unread = new RegExp(`^(?:host|${credentials})$`);

/** Classes of values by which a client proves who it is. In a cookie that is what they are for. */
const credentialClasses: ReadonlySet<string> = new Set(['jwt', 'secret-token', 'private-key', 'url-credentials']);

/** Returns the request line and the headers of a request over HTTP; null if the bytes do not begin with a head. */
export function headOf(bytes: readonly Uint8Array[]): readonly string[] | null {
  const begun = Buffer.concat(bytes.slice(0, 2)).toString('latin1', 0, headBytesMax);
  return requestLine.test(begun) ? (begun.split('\r\n\r\n', 1)[0]?.split('\r\n') ?? null) : null;
}

/** Returns the classes of the values in a head, as a person would read it: without the host and the credentials of the client. */
export function classesInHead([asked = '', ...lines]: readonly string[], classes: ClassSet): readonly string[] {
  // Names and values of an address are read as the target reads them. Each part of a path is a text of its own.
  const read = asked.replaceAll(/%([\da-f]{2})|\+/gi, (_found, code?: string) => (code === undefined ? ' ' : String.fromCharCode(Number.parseInt(code, 16))));
  const isCookie = (line: string): boolean => nameOf(line) === 'cookie';
  const texts = [asked, read, read.replaceAll('/', ' '), ...lines.filter((line) => !isCookie(line) && !unread.test(nameOf(line)))];
  const whole = new WholeTexts(classes);
  const namesIn = (text: string): readonly string[] => whole.look(text)?.found.map(({ name }) => name) ?? [];
  return [
    ...texts.flatMap(namesIn),
    ...lines
      .filter(isCookie)
      .flatMap(namesIn)
      .filter((name) => !credentialClasses.has(name)),
  ];
}

function nameOf(line: string): string {
  return line.slice(0, Math.max(0, line.indexOf(':'))).toLowerCase();
}
