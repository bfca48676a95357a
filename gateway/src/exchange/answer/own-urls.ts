import type { Attributes } from '../../domain/action.ts';
import type { Exchange } from '../exchange.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import type { TargetFacts } from '../../domain/target.ts';
import type { ResponseHead } from '../reading.ts';

/** Most addresses that are noted of one answer. */
export const directMax = 32;
const nothing = Buffer.alloc(0);

const absolute = /^(?:([a-z][a-z\d+.-]*):)?\/\/([^/?#]*)(.*)$/is;

/** A target's own addresses, and the address that leads to the target through the gateway, as plain data. */
export interface OwnUrlParts {
  readonly scheme: string;
  readonly host: string;
  readonly port: number;
  /** The path at the target's host below which the target is. */
  readonly base: string;
  /** The path at the gateway that leads to the target. */
  readonly path: string;
  /** The address at the gateway that leads to the target, without a slash at the end. */
  readonly way: string;
}

export function ownUrlsOf(
  { scheme, host, port, path: target }: TargetFacts,
  { request, isEncrypted, way: path }: Pick<Exchange, 'request' | 'isEncrypted' | 'way'>,
): OwnUrlParts {
  const { host: told, ':authority': authority } = request.headers;
  const called = String(authority ?? told ?? '');
  return {
    scheme,
    host: host.includes(':') ? `[${host}]` : host.toLowerCase(),
    port,
    base: target === '' ? '' : `/${target.replace(/\/$/, '')}`,
    path,
    way: `${called === '' ? '' : `${isEncrypted ? 'https' : 'http'}://${called}`}${path}`,
  };
}

/** Turns a target's own addresses into addresses that lead its client through the gateway (ATTACKS E51). */
export class OwnUrls {
  readonly parts: OwnUrlParts;

  constructor(parts: OwnUrlParts) {
    this.parts = parts;
  }

  /** The host, with its port if that is not the default port of the scheme. */
  get authority(): string {
    return this.parts.port === defaultPort(this.parts.scheme) ? this.parts.host : `${this.parts.host}:${this.parts.port}`;
  }

  get origin(): string {
    return `${this.parts.scheme}://${this.authority}`;
  }

  /**
   * Changes an address so that it leads through the gateway; null if it is not below the target's own address. `recordedWay` is the beginning of the addresses
   * through the gateway at the time of the recording.
   */
  through(url: string, recordedWay: string | null = null): string | null {
    const recorded = recordedWay === null ? null : (below(url, recordedWay) ?? below(url, this.parts.path));
    if (recorded !== null) {
      return (url.startsWith('/') ? this.parts.path : this.parts.way) + recorded;
    }
    const [, scheme = this.parts.scheme, authority, rest = ''] = absolute.exec(url) ?? [];
    if (authority === undefined) {
      const path = url.startsWith('/') ? below(url, this.parts.base) : null;
      return path === null ? null : this.parts.path + path;
    }
    const path = this.#isOwn(scheme, authority) ? below(rest, this.parts.base) : null;
    return path === null ? null : this.parts.way + path;
  }

  #isOwn(scheme: string, authority: string): boolean {
    const [, host = '', port] = /^(?:[^@]*@)?(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(authority) ?? [];
    const isHere = host.toLowerCase() === this.parts.host && (port === undefined ? defaultPort(scheme) : Number(port)) === this.parts.port;
    return isHere && scheme.toLowerCase() === this.parts.scheme;
  }
}

/** Returns the rest of `url` after `beginning`. Null unless `url` begins with it and it ends at the end of a path segment. */
function below(url: string, beginning: string): string | null {
  const rest = url.startsWith(beginning) ? url.slice(beginning.length) : null;
  return rest !== null && /^(?:[/?#]|$)/.test(rest) ? rest : null;
}

function defaultPort(scheme: string): number {
  return scheme.toLowerCase() === 'https' ? 443 : 80;
}

/** Describes an address for the record by its place and the host that it names; null if it names none. */
export function directUrl(place: string, url: string): string | null {
  const [, scheme = '', authority] = absolute.exec(url) ?? [];
  return authority === undefined ? null : `${place} ${scheme === '' ? '' : `${scheme}:`}//${authority.replace(/^.*@/, '')}`;
}

/**
 * Finds addresses in an answer that lead the client past the gateway. The answer is read as it is delivered. Memory is bounded, and any bytes are acceptable
 * input.
 */
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

  /** Notes an address that a client would follow and that is left unchanged. */
  note(place: string, url: string): void {
    const found = directUrl(place, url);
    if (found !== null) {
      this.add([found]);
    }
  }

  /** Adds addresses in the form that `directUrl` returns. */
  add(found: Iterable<string>): void {
    for (const each of found) {
      if (this.#found.size < directMax) {
        this.#found.add(each);
      }
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
    // The text that is searched for may be divided between two pieces.
    const end = (bytes.length >= seam ? bytes : Buffer.concat([this.#tail, bytes])).subarray(-seam);
    const begun = end.lastIndexOf('/');
    this.#tail = begun === -1 ? nothing : end.subarray(begun);
  }

  facts(): Attributes {
    return this.#found.size === 0 ? {} : { [ownAttributes.directUrls]: [...this.#found] };
  }
}
