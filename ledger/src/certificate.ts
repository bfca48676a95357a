/** X.509 certificates (RFC 5280), as much of them as authorities of timestamps have. */
import { decodeBase64 } from './base64.ts';
import {
  booleanOf,
  contextTag,
  DerItems,
  derTags,
  hasBit,
  identifierOf,
  insideOf,
  integerHex,
  isSameDer,
  nextSequence,
  readDer,
  sequenceOf,
  smallInteger,
  timeOf,
  wholeBits,
  type DerValue,
} from './der.ts';
import { MalformedError } from './malformed.ts';
import { decodeUtf8 } from './text.ts';

/** Most certificates of a file. */
const certificatesMax = 256;
const extensions = { keyUsage: '2.5.29.15', basicConstraints: '2.5.29.19', extendedKeyUsage: '2.5.29.37' } as const;
const commonName = '2.5.4.3';

export interface Certificate {
  readonly bytes: Uint8Array;
  /** The part that the issuer has signed. */
  readonly signed: Uint8Array;
  readonly signature: Uint8Array;
  readonly signatureAlgorithm: DerValue;
  readonly serial: string;
  readonly issuer: DerValue;
  readonly subject: DerValue;
  /** In Unix ms. */
  readonly fromMs: number;
  readonly untilMs: number;
  /** SubjectPublicKeyInfo. */
  readonly publicKey: DerValue;
  /** Null: it is no certificate of an authority. `below`: at most so many authorities may be below it. */
  readonly authority: { readonly below: number } | null;
  /** Null: nothing is said, so all is allowed. */
  readonly keyUsage: { readonly signsData: boolean; readonly signsCertificates: boolean } | null;
  /** The purposes, as object identifiers. Null: nothing is said, so all is allowed. */
  readonly purposes: { readonly names: readonly string[]; readonly isCritical: boolean } | null;
  /** True: it has a critical extension that is not known here, so it must not be used. */
  readonly hasUnknown: boolean;
}

/** Parses the certificates of a PEM file. Throws `MalformedError`. */
export function parseCertificates(pem: Uint8Array): readonly Certificate[] {
  const blocks = [...decodeUtf8(pem).matchAll(/^-----BEGIN CERTIFICATE-----\r?\n([A-Za-z0-9+/=\r\n]+)-----END CERTIFICATE-----\r?$/gm)];
  if (blocks.length === 0 || blocks.length > certificatesMax) {
    throw new MalformedError('no certificates in PEM, or too many');
  }
  return blocks.map(([, base64 = '']) => parseCertificate(readDer(decodeBase64(base64.replaceAll(/[\r\n]/g, '')))));
}

/** Throws `MalformedError`. */
export function parseCertificate(value: DerValue): Certificate {
  const outer = sequenceOf(value);
  const tbs = outer.next(derTags.sequence);
  const signatureAlgorithm = outer.next(derTags.sequence);
  const signature = wholeBits(outer.next(derTags.bitString));
  outer.end();
  const items = new DerItems(tbs);
  items.optional(contextTag(0));
  const serial = integerHex(items.next(derTags.integer));
  if (!isSameDer(items.next(derTags.sequence), signatureAlgorithm)) {
    throw new MalformedError('a certificate that names two algorithms of its signature');
  }
  const issuer = items.next(derTags.sequence);
  const [from, until, ...more] = nextSequence(items).rest();
  const subject = items.next(derTags.sequence);
  const publicKey = items.next(derTags.sequence);
  items.optional(contextTag(1, true));
  items.optional(contextTag(2, true));
  const extended = items.optional(contextTag(3));
  items.end();
  if (from === undefined || until === undefined || more.length > 0) {
    throw new MalformedError('a certificate without the time in which it is valid');
  }
  return {
    bytes: value.bytes,
    signed: tbs.bytes,
    signature,
    signatureAlgorithm,
    serial,
    issuer,
    subject,
    fromMs: timeOf(from),
    untilMs: timeOf(until),
    publicKey,
    ...readExtensions(extended === undefined ? [] : new DerItems(insideOf(extended, derTags.sequence)).all(derTags.sequence)),
  };
}

type Extended = Pick<Certificate, 'authority' | 'keyUsage' | 'purposes' | 'hasUnknown'>;

function readExtensions(values: readonly DerValue[]): Extended {
  const found = new Map<string, { readonly isCritical: boolean; readonly value: DerValue }>();
  for (const each of values) {
    const items = new DerItems(each);
    const name = identifierOf(items.next(derTags.identifier));
    const critical = items.optional(derTags.boolean);
    const value = readDer(items.next(derTags.octetString).content);
    items.end();
    if (found.has(name)) {
      throw new MalformedError('a certificate with an extension twice');
    }
    found.set(name, { isCritical: critical !== undefined && booleanOf(critical), value });
  }
  const constraints = found.get(extensions.basicConstraints);
  const usage = found.get(extensions.keyUsage)?.value;
  const purposes = found.get(extensions.extendedKeyUsage);
  const known = new Set<string>(Object.values(extensions));
  return {
    authority: constraints === undefined ? null : readConstraints(constraints.value),
    keyUsage: usage === undefined ? null : { signsData: hasBit(usage, 0) || hasBit(usage, 1), signsCertificates: hasBit(usage, 5) },
    purposes:
      purposes === undefined ? null : { isCritical: purposes.isCritical, names: new DerItems(purposes.value).all(derTags.identifier).map(identifierOf) },
    hasUnknown: [...found].some(([name, { isCritical }]) => isCritical && !known.has(name)),
  };
}

function readConstraints(value: DerValue): Certificate['authority'] {
  const items = new DerItems(value);
  const isAuthority = items.optional(derTags.boolean);
  const below = items.optional(derTags.integer);
  items.end();
  return isAuthority !== undefined && booleanOf(isAuthority) ? { below: below === undefined ? Infinity : smallInteger(below) } : null;
}

/** The common name in a name, for people; empty if there is none. */
export function commonNameOf(name: DerValue): string {
  for (const set of new DerItems(name).all(derTags.set)) {
    for (const pair of new DerItems(set).all(derTags.sequence)) {
      const items = new DerItems(pair);
      if (identifierOf(items.next(derTags.identifier)) === commonName) {
        const [text] = items.rest();
        return text === undefined ? '' : decodeUtf8(text.content);
      }
    }
  }
  return '';
}
