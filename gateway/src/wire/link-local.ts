import { lookup as resolve, type LookupAddress } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { z } from 'zod';

/** Link-local addresses, and addresses at which clouds serve the metadata or the credentials of a machine. */
const ipv4 = [
  ['169.254.0.0', 16],
  ['100.100.100.200', 32],
  ['168.63.129.16', 32],
  ['192.0.0.192', 32],
] as const;
const ipv6 = ['fd00:ec2::254', 'fd00:ec2::23', 'fd20:ce::254', 'fd00:c1::a9fe:a9fe', 'fd00:a9fe:a9fe::1', 'fd00:42::42'] as const;
/** The prefixes with which a translator or a system takes an IPv6 address for the IPv4 address at its end (RFC 4291, 6052, 6145 and 8215). */
const translated = ['64:ff9b::', '64:ff9b:1::', '::ffff:0:', '::'] as const;
/** Names with which clouds lead to these addresses. */
const names = /^(?:metadata\.google\.internal|metadata\.goog|instance-data(?:\.ec2\.internal)?|metadata\.tencentyun\.com)\.?$/i;
const ipv4Bits = 32;
const ipv6Bits = 128;

const guarded = new BlockList();
guarded.addSubnet('fe80::', 10, 'ipv6');
for (const address of ipv6) {
  guarded.addAddress(address, 'ipv6');
}
for (const [net, bits] of ipv4) {
  guarded.addSubnet(net, bits, 'ipv4');
  for (const prefix of translated) {
    guarded.addSubnet(prefix + net, ipv6Bits - ipv4Bits + bits, 'ipv6');
  }
}

/** The option of every target that lets the gateway dial its address even if `isLinkLocal` is true for it. */
export const linkLocalOption = z
  .stringbool()
  .or(z.boolean())
  .default(false)
  .describe(
    "`true`: the target may be at a link-local address (169.254.0.0/16, fe80::/10), or at another one where a cloud serves a machine's metadata. Machines of a cloud find their credentials there.",
  );

/** True for a link-local address, and for one at which a cloud serves a machine's metadata, also in IPv4-mapped form. False for a name. */
export function isLinkLocal(address: string): boolean {
  const plain = address.replace(/^\[|\]$/g, '').replace(/%.*$/, '');
  const family = isIP(plain);
  return family !== 0 && guarded.check(plain, family === 6 ? 'ipv6' : 'ipv4');
}

/**
 * True if a host is such an address, also as one number or in octal, or a name with which a cloud leads to one. It warns people; the dialer checks each address
 * that a name is resolved to.
 */
export function seemsLinkLocal(host: string): boolean {
  const url = `http://${host}`;
  return isLinkLocal(host) || names.test(host) || (URL.canParse(url) && isLinkLocal(new URL(url).hostname));
}

/** Says that a target only has addresses for which `isLinkLocal` is true. */
export class LinkLocalError extends Error {}

/** Resolves a name for `connect` of node:net, which dials only the addresses that it gets here (ATTACKS A10). Link-local addresses are left out. */
export const lookupElsewhere: LookupFunction = (hostname, options, callback) => {
  resolve(hostname, { ...options, all: true }, (error, found) => {
    const addresses: LookupAddress[] = error === null ? found.filter(({ address }) => !isLinkLocal(address)) : [];
    const [first] = addresses;
    if (error !== null || first === undefined) {
      callback(error ?? new LinkLocalError(), '', 0);
    } else if (options.all === true) {
      callback(null, addresses);
    } else {
      callback(null, first.address, first.family);
    }
  });
};
