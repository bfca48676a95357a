import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';

/** Tags of DER (X.690). */
const tags = { boolean: 0x01, integer: 0x02, bits: 0x03, octets: 0x04, identifier: 0x06, text: 0x0c, time: 0x18, sequence: 0x30, set: 0x31 } as const;
/** The beginning of an Ed25519 key in PKCS #8 (RFC 8410); the 32 bytes of its seed follow. */
const pkcs8Head = Buffer.from('302e020100300506032b657004220420', 'hex');
const identifiers = {
  ed25519: '2b6570',
  commonName: '550403',
  subjectKey: '551d0e',
  keyUsage: '551d0f',
  alternativeNames: '551d11',
  constraints: '551d13',
  authorityKey: '551d23',
  extendedKeyUsage: '551d25',
  serverAuth: '2b06010505070301',
} as const;
/** The certificates hold from the first moment on. They have no end that is known (RFC 5280, 4.1.2.5): who trusts them has them from the gateway itself. */
const validity = sequence(value(tags.time, '20200101000000Z'), value(tags.time, '99991231235959Z'));
const authorityName = 'Countersign gateway';
const serialBytes = 16;
const keyIdBytes = 20;

/** A certificate with its key, as PEM. */
interface KeyedCertificate {
  readonly certificate: string;
  readonly key: string;
}

/** An authority that vouches for the listener of one gateway and nothing else. */
export interface Authority {
  /** Its certificate as PEM. The same seed gives the same bytes. */
  readonly certificate: string;
  /** Makes a certificate of a server with this name. */
  readonly forName: (name: string) => KeyedCertificate;
}

/** Makes the authority that belongs to a seed of 32 bytes (RFC 5280, with keys and signatures of RFC 8410). */
export function authorityOf(seed: Uint8Array): Authority {
  const key = createPrivateKey({ key: Buffer.concat([pkcs8Head, seed]), format: 'der', type: 'pkcs8' });
  const own = createPublicKey(key);
  const server = generateKeyPairSync('ed25519');
  const certificate = (subject: string, of: KeyObject, serial: Buffer, extensions: readonly Buffer[]): string => {
    const signed = sequence(
      value(0xa0, value(tags.integer, Buffer.of(2))),
      value(tags.integer, serial),
      sequence(identifier('ed25519')),
      nameOf(authorityName),
      validity,
      nameOf(subject),
      of.export({ type: 'spki', format: 'der' }),
      value(0xa3, sequence(...extensions, extension('authorityKey', sequence(value(0x80, keyIdOf(own)))))),
    );
    return pem('CERTIFICATE', sequence(signed, sequence(identifier('ed25519')), bits(sign(null, signed, key))));
  };
  return {
    certificate: certificate(authorityName, own, Buffer.of(1), [
      extension('constraints', sequence(value(tags.boolean, Buffer.of(0xff))), true),
      // keyCertSign is the bit 5 of 6.
      extension('keyUsage', value(tags.bits, Buffer.of(2, 0x04)), true),
      extension('subjectKey', value(tags.octets, keyIdOf(own))),
    ]),
    forName: (name) => {
      const serial = randomBytes(serialBytes);
      // The number is positive and has no needless byte.
      serial[0] = 0x40 | ((serial[0] ?? 0) & 0x3f);
      return {
        certificate: certificate('Countersign', server.publicKey, serial, [
          extension('constraints', sequence(), true),
          // digitalSignature is the bit 0 of 1.
          extension('keyUsage', value(tags.bits, Buffer.of(7, 0x80)), true),
          extension('extendedKeyUsage', sequence(identifier('serverAuth'))),
          extension('alternativeNames', sequence(value(0x82, name)), true),
        ]),
        key: server.privateKey.export({ type: 'pkcs8', format: 'pem' }),
      };
    },
  };
}

function keyIdOf(key: KeyObject): Buffer {
  return createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest()
    .subarray(0, keyIdBytes);
}

function nameOf(common: string): Buffer {
  return sequence(value(tags.set, sequence(identifier('commonName'), value(tags.text, common))));
}

function extension(name: keyof typeof identifiers, content: Buffer, isCritical = false): Buffer {
  return sequence(identifier(name), ...(isCritical ? [value(tags.boolean, Buffer.of(0xff))] : []), value(tags.octets, content));
}

function identifier(name: keyof typeof identifiers): Buffer {
  return value(tags.identifier, Buffer.from(identifiers[name], 'hex'));
}

function bits(bytes: Buffer): Buffer {
  return value(tags.bits, Buffer.concat([Buffer.of(0), bytes]));
}

function sequence(...values: readonly Buffer[]): Buffer {
  return value(tags.sequence, Buffer.concat(values));
}

function value(tag: number, content: Buffer | string): Buffer {
  const bytes = Buffer.from(content);
  const length =
    bytes.length < 0x80
      ? Buffer.of(bytes.length)
      : bytes.length < 0x100
        ? Buffer.of(0x81, bytes.length)
        : Buffer.of(0x82, bytes.length >> 8, bytes.length & 0xff);
  return Buffer.concat([Buffer.of(tag), length, bytes]);
}

function pem(label: string, bytes: Buffer): string {
  return `-----BEGIN ${label}-----\n${bytes.toString('base64').replaceAll(/.{64}(?=.)/g, '$&\n')}\n-----END ${label}-----\n`;
}
