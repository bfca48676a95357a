import { hash } from 'node:crypto';
import { BlockList, isIP } from 'node:net';
import { GatewayError } from '../../domain/errors.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import type { ShownCertificate } from '../../domain/shown-certificate.ts';
import { ByteReader } from '../../wire/byte-reader.ts';
import { strings } from './compose.ts';
import { isSignedBy, readString } from './signatures.ts';

/** The types of certificates, each with the type of the key in it and the number of strings that this key has. */
const types: Readonly<Record<string, { readonly keyType: string; readonly parts: number }>> = {
  'ssh-ed25519-cert-v01@openssh.com': { keyType: 'ssh-ed25519', parts: 1 },
  'ecdsa-sha2-nistp256-cert-v01@openssh.com': { keyType: 'ecdsa-sha2-nistp256', parts: 2 },
  'ecdsa-sha2-nistp384-cert-v01@openssh.com': { keyType: 'ecdsa-sha2-nistp384', parts: 2 },
  'ecdsa-sha2-nistp521-cert-v01@openssh.com': { keyType: 'ecdsa-sha2-nistp521', parts: 2 },
  'ssh-rsa-cert-v01@openssh.com': { keyType: 'ssh-rsa', parts: 2 },
};
const userKind = 1;
/** As in OpenSSH. */
const principalsMax = 256;
const optionsMax = 64;
const networksMax = 256;
const keyIdCharactersMax = 256;
const forever = 0xffff_ffff_ffff_ffffn;

/** A certificate of a user, and the key in it with which the client has to sign. */
export interface UserCertificate {
  readonly shown: ShownCertificate;
  readonly publicKey: Buffer;
}

/**
 * Reads a certificate of OpenSSH. Null: these bytes are no certificate, but another key. Its names are those of its principals together with the authority that has signed it,
 * so that no other authority gives them. One that its authority has not signed has no names.
 * https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.certkeys
 */
export function readUserCertificate(bytes: Buffer, client: { readonly address: string; readonly nowMs: number }): UserCertificate | null {
  try {
    return parse(bytes, client);
  } catch (error) {
    if (error instanceof GatewayError) {
      return null;
    }
    throw error;
  }
}

function parse(bytes: Buffer, { address, nowMs }: { readonly address: string; readonly nowMs: number }): UserCertificate | null {
  const reader = new ByteReader(bytes);
  const type = types[readString(reader).toString('latin1')];
  if (type === undefined) {
    return null;
  }
  // The nonce: it makes the signature unforeseeable, and says nothing.
  readString(reader);
  const publicKey = strings(type.keyType, ...Array.from({ length: type.parts }, () => readString(reader)));
  const serial = reader.bytes(8).readBigUInt64BE();
  const kind = reader.uint32();
  const keyId = readString(reader).toString().slice(0, keyIdCharactersMax);
  const principals = listOf(readString(reader), principalsMax).map((each) => each.toString());
  const [afterSeconds, beforeSeconds] = [reader.bytes(8).readBigUInt64BE(), reader.bytes(8).readBigUInt64BE()];
  const options = listOf(readString(reader), 2 * optionsMax);
  // The extensions, which say what sshd would let its user do, and a reserved field. What a client of the gateway may do, policy says.
  readString(reader);
  readString(reader);
  const authority = readString(reader);
  const signed = bytes.subarray(0, bytes.length - reader.left);
  const signature = readString(reader);
  reader.finish();
  const isSigned = isSignedBy(authority, signed, signature);
  const fault = !isSigned
    ? 'its authority has not signed it'
    : kind !== userKind
      ? 'it is the certificate of a host, and not of a user'
      : principals.length === 0
        ? 'it names no principals'
        : BigInt(Math.floor(nowMs / 1000)) < afterSeconds
          ? 'it is not valid yet'
          : faultOfOptions(options, address);
  return {
    publicKey,
    shown: {
      names: isSigned ? principals.map((each) => `ssh:${authority.toString('base64')}:${each}`) : [],
      sha256: hash('sha256', bytes),
      expiresMs: beforeSeconds === forever ? Infinity : Number(beforeSeconds) * 1000,
      fault,
      signed: {
        [ownAttributes.clientKeySha256]: hash('sha256', publicKey),
        [ownAttributes.clientCertificateSha256]: hash('sha256', bytes),
        [ownAttributes.clientCertificateAuthoritySha256]: hash('sha256', authority),
        [ownAttributes.clientCertificateSerial]: String(serial),
        [ownAttributes.clientCertificateKeyId]: keyId,
      },
    },
  };
}

/** Returns why the critical options of a certificate do not let this client in: each is kept, or the certificate is refused. Null: they do. */
function faultOfOptions(options: readonly Buffer[], address: string): string | null {
  for (let i = 0; i < options.length; i += 2) {
    const name = options[i]?.toString() ?? '';
    if (name !== 'source-address') {
      return `its critical option ${JSON.stringify(name.slice(0, keyIdCharactersMax))} cannot be kept here`;
    }
    const reader = new ByteReader(options[i + 1] ?? Buffer.alloc(0));
    const networks = readString(reader).toString();
    reader.finish();
    if (!isIn(networks, address)) {
      return 'it counts only from other addresses (source-address)';
    }
  }
  return null;
}

/** True if an address is in one of these networks. Throws GatewayError `malformed` for what is no list of networks. */
function isIn(networks: string, address: string): boolean {
  const list = new BlockList();
  const written = networks.split(',');
  if (written.length > networksMax) {
    throw new GatewayError('malformed', `A certificate names more than ${networksMax} networks.`);
  }
  for (const each of written) {
    const [net = '', bits, ...more] = each.split('/');
    const version = isIP(net);
    const longest = version === 4 ? 32 : 128;
    if (version === 0 || more.length > 0 || (bits !== undefined && !(/^\d{1,3}$/.test(bits) && Number(bits) <= longest))) {
      throw new GatewayError('malformed', 'A certificate names a network that is none.');
    }
    list.addSubnet(net, bits === undefined ? longest : Number(bits), version === 4 ? 'ipv4' : 'ipv6');
  }
  const version = isIP(address);
  return version !== 0 && list.check(address, version === 4 ? 'ipv4' : 'ipv6');
}

function listOf(bytes: Buffer, entriesMax: number): readonly Buffer[] {
  const reader = new ByteReader(bytes);
  const entries: Buffer[] = [];
  while (reader.left > 0) {
    if (entries.length === entriesMax) {
      throw new GatewayError('malformed', `A certificate has more than ${entriesMax} entries of a kind.`);
    }
    entries.push(readString(reader));
  }
  return entries;
}
