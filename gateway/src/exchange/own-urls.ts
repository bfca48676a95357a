import { hash } from 'node:crypto';
import type { Attributes } from '../domain/action.ts';
import type { AnsweredHead, CallReceiver, Exchange } from '../domain/exchange.ts';
import type { GatewayError } from '../domain/errors.ts';
import type { Upstream } from '../domain/protocol.ts';
import type { TargetFacts } from '../domain/target.ts';
import { decodeBody } from './recorded/recorded-http.ts';
import { pairHeaders, withoutBodyHeaders } from './headers.ts';
import { headerOf, type Headers, type ResponseHead } from './reading.ts';

/** An answer in whose body addresses may be is held until it is whole. A longer one is left as it is. */
const heldBytesMax = 4 * 1024 * 1024;
const directMax = 32;
const nothing = Buffer.alloc(0);

/** Headers that lead a client on (RFC 9110, 10.2.2 and 8.7; RFC 8288; long-running operations of Azure; resumable uploads of Google). */
const leading: ReadonlySet<string> = new Set([
  'location',
  'content-location',
  'link',
  'refresh',
  'operation-location',
  'azure-asyncoperation',
  'x-goog-upload-url',
  'x-goog-upload-control-url',
]);
/** The leading headers in which the address is only a part of the value, with the pattern that finds it. */
const partOfValue: Readonly<Record<string, RegExp>> = { link: /(<)([^<>]*)(?=>)/g, refresh: /(url\s*=\s*["']?)([^"'\s]+)/gi };
const jsonType = /^application\/(?:[\w.-]+\+)?json\b/i;
const absolute = /^(?:([a-z][a-z\d+.-]*):)?\/\/([^/?#]*)(.*)$/is;

/** Attribute of a recorded head whose addresses lead through the gateway: the beginning of these addresses. */
export const wayAttribute = 'countersign.way';

/** Turns a target's own addresses into addresses that lead its client through the gateway (ATTACKS E51). */
export class OwnUrls {
  readonly #scheme: string;
  readonly #host: string;
  readonly #port: number;
  readonly #base: string;
  readonly #path: string;
  /** The address through the gateway, without a slash at the end. */
  readonly way: string;

  constructor({ scheme, host, port, path, name }: TargetFacts, { request, isEncrypted }: Pick<Exchange, 'request' | 'isEncrypted'>) {
    this.#scheme = scheme;
    this.#host = host.includes(':') ? `[${host}]` : host.toLowerCase();
    this.#port = port;
    this.#base = path === '' ? '' : `/${path.replace(/\/$/, '')}`;
    const { host: told, ':authority': authority } = request.headers;
    const called = String(authority ?? told ?? '');
    this.#path = `/t/${encodeURIComponent(name)}`;
    this.way = `${called === '' ? '' : `${isEncrypted ? 'https' : 'http'}://${called}`}${this.#path}`;
  }

  /** The host, with the port where it is not the usual one of the scheme. */
  get authority(): string {
    return this.#port === defaultPort(this.#scheme) ? this.#host : `${this.#host}:${this.#port}`;
  }

  get origin(): string {
    return `${this.#scheme}://${this.authority}`;
  }

  /** Through the gateway; null for what is not below the target's own address. `recordedWay`: where it led when it was recorded. */
  through(url: string, recordedWay: string | null = null): string | null {
    const recorded = recordedWay === null ? null : (below(url, recordedWay) ?? below(url, this.#path));
    if (recorded !== null) {
      return (url.startsWith('/') ? this.#path : this.way) + recorded;
    }
    const [, scheme = this.#scheme, authority, rest = ''] = absolute.exec(url) ?? [];
    if (authority === undefined) {
      const path = url.startsWith('/') ? below(url, this.#base) : null;
      return path === null ? null : this.#path + path;
    }
    const path = this.#isOwn(scheme, authority) ? below(rest, this.#base) : null;
    return path === null ? null : this.way + path;
  }

  #isOwn(scheme: string, authority: string): boolean {
    const [, host = '', port] = /^(?:[^@]*@)?(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(authority) ?? [];
    const isHere = host.toLowerCase() === this.#host && (port === undefined ? defaultPort(scheme) : Number(port)) === this.#port;
    return isHere && scheme.toLowerCase() === this.#scheme;
  }
}

/** The rest of `url` behind `beginning`. Null unless `url` begins with it and the beginning ends with a whole path segment. */
function below(url: string, beginning: string): string | null {
  const rest = url.startsWith(beginning) ? url.slice(beginning.length) : null;
  return rest !== null && /^(?:[/?#]|$)/.test(rest) ? rest : null;
}

function defaultPort(scheme: string): number {
  return scheme.toLowerCase() === 'https' ? 443 : 80;
}

export interface RewritingParts {
  readonly urls: OwnUrls;
  /** Members of a JSON answer in which the target's API gives addresses of its own. */
  readonly members: readonly string[];
  readonly direct: DirectUrls;
  readonly receiver: CallReceiver;
}

/**
 * Stands where an answer comes from the target: addresses of the target's own, in the headers and members that are there to be followed, lead through the gateway from
 * here on. So what is recorded is what the client gets; what the target said is there as a digest.
 */
export class UrlRewriting implements CallReceiver {
  readonly #parts: RewritingParts;
  readonly #places: string[] = [];
  readonly #digests: string[] = [];
  #bodyDigest: string | null = null;
  #recordedWay: string | null = null;
  /** Held until its body is whole. */
  #head: AnsweredHead | null = null;
  #held: Buffer[] = [];
  #heldBytes = 0;

  constructor(parts: RewritingParts) {
    this.#parts = parts;
  }

  /** Attributes for the record of the answer's head. */
  facts(): Attributes {
    return this.#places.length === 0
      ? {}
      : {
          [wayAttribute]: this.#parts.urls.way,
          'countersign.rewritten_urls': this.#places,
          'countersign.rewritten_urls.sha256': this.#digests,
          ...(this.#bodyDigest === null ? {} : { 'countersign.original_body.sha256': this.#bodyDigest }),
        };
  }

  onInformation(head: AnsweredHead): void {
    this.#parts.receiver.onInformation({ ...head, rawHeaders: this.#rewriteHeaders(head.rawHeaders) });
  }

  onHead(head: AnsweredHead): void {
    this.#recordedWay = head.way ?? null;
    const rewritten = { ...head, rawHeaders: this.#rewriteHeaders(head.rawHeaders) };
    const mayHold = this.#parts.members.length > 0 && jsonType.test(headerOf(pairHeaders(head.rawHeaders), 'content-type') ?? '');
    if (mayHold) {
      this.#head = rewritten;
    } else {
      this.#parts.receiver.onHead(rewritten);
    }
  }

  onUpgrade(head: AnsweredHead, upstream: Upstream): void {
    this.#parts.receiver.onUpgrade(head, upstream);
  }

  onBytes(bytes: Buffer): void {
    if (this.#head === null) {
      this.#parts.receiver.onBytes(bytes);
      return;
    }
    this.#held.push(bytes);
    this.#heldBytes += bytes.length;
    if (this.#heldBytes > heldBytesMax) {
      this.#release(this.#head, Buffer.concat(this.#held));
    }
  }

  onEnd(trailers: readonly string[]): void {
    const head = this.#head;
    if (head !== null) {
      const body = Buffer.concat(this.#held);
      const rewritten = this.#rewriteBody(pairHeaders(head.rawHeaders), body);
      if (rewritten === null) {
        this.#release(head, body);
      } else {
        const kept = withoutBodyHeaders(head.rawHeaders);
        this.#release({ ...head, rawHeaders: [...kept, 'content-length', String(rewritten.length)] }, rewritten);
      }
    }
    this.#parts.receiver.onEnd(trailers);
  }

  onError(error: GatewayError): void {
    if (this.#head !== null) {
      this.#release(this.#head, Buffer.concat(this.#held));
    }
    this.#parts.receiver.onError(error);
  }

  onDrain(): void {
    this.#parts.receiver.onDrain();
  }

  #release(head: AnsweredHead, body: Buffer): void {
    this.#head = null;
    this.#held = [];
    this.#parts.receiver.onHead(head);
    if (body.length > 0) {
      this.#parts.receiver.onBytes(body);
    }
  }

  #rewriteHeaders(raw: readonly string[]): readonly string[] {
    return raw.map((text, i) => {
      const name = i % 2 === 1 ? (raw[i - 1] ?? '').toLowerCase() : '';
      if (!leading.has(name)) {
        return text;
      }
      const part = partOfValue[name];
      return part === undefined
        ? this.#rewrite(name, text)
        : text.replaceAll(part, (_found, before: string, url: string) => `${before}${this.#rewrite(name, url)}`);
    });
  }

  /** Rewrites addresses in a body and changes nothing else. Null if there is nothing to rewrite. */
  #rewriteBody(headers: Headers, body: Buffer): Buffer | null {
    const text = decodeBody(headers, body).toString('latin1');
    const before = this.#places.length;
    const member = new RegExp(String.raw`("(${this.#parts.members.join('|')})"\s*:\s*)("(?:[^"\\]|\\.)*")`, 'g');
    const rewritten = text.replaceAll(member, (found, label: string, name: string, value: string) => {
      const url = parseText(value);
      const other = url === null ? null : this.#rewrite(name, url);
      return other === null || other === url ? found : `${label}${JSON.stringify(other)}`;
    });
    if (this.#places.length === before) {
      return null;
    }
    this.#bodyDigest = hash('sha256', body);
    return Buffer.from(rewritten, 'latin1');
  }

  #rewrite(place: string, url: string): string {
    const through = this.#parts.urls.through(url, this.#recordedWay);
    if (through === null) {
      this.#parts.direct.note(place, url);
      return url;
    }
    this.#places.push(place);
    this.#digests.push(hash('sha256', Buffer.from(url, 'latin1')));
    return through;
  }
}

/** The value of a JSON text; null if it is not one. */
function parseText(json: string): string | null {
  try {
    return String(JSON.parse(json));
  } catch {
    return null;
  }
}

/** Finds in an answer, as it is delivered, what leads its client past the gateway. Bounded; any bytes are acceptable. */
export class DirectUrls {
  readonly #origin: string;
  /** The bytes to search for: the rest of an address after a slash, which may be escaped. */
  readonly #needle: Buffer;
  readonly #found = new Set<string>();
  #tail: Buffer = nothing;
  #isInBody = false;

  constructor({ origin, authority }: OwnUrls) {
    this.#origin = origin;
    this.#needle = Buffer.from(`/${authority}`, 'latin1');
  }

  /** An address that is there to be followed, and is left as it is. */
  note(place: string, url: string): void {
    const [, scheme = '', authority] = absolute.exec(url) ?? [];
    if (authority !== undefined && this.#found.size < directMax) {
      this.#found.add(`${place} ${scheme === '' ? '' : `${scheme}:`}//${authority.replace(/^.*@/, '')}`);
    }
  }

  head({ headers }: ResponseHead): void {
    for (const [name, value] of headers) {
      if (value.includes(this.#origin)) {
        this.note(name, this.#origin);
      }
    }
  }

  bytes(piece: Uint8Array): void {
    if (this.#isInBody) {
      return;
    }
    const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.length);
    const seam = this.#needle.length - 1;
    this.#isInBody = bytes.includes(this.#needle) || (this.#tail.length > 0 && Buffer.concat([this.#tail, bytes.subarray(0, seam)]).includes(this.#needle));
    if (this.#isInBody) {
      this.note('body', this.#origin);
      return;
    }
    // The text that is searched for may be cut by the end of a piece.
    const end = (bytes.length >= seam ? bytes : Buffer.concat([this.#tail, bytes])).subarray(-seam);
    const begun = end.lastIndexOf('/');
    this.#tail = begun === -1 ? nothing : end.subarray(begun);
  }

  facts(): Attributes {
    return this.#found.size === 0 ? {} : { 'countersign.direct_urls': [...this.#found] };
  }
}
