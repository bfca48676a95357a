import { lookup as resolve, type LookupAddress } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { z } from 'zod';

const guarded = new BlockList();
guarded.addSubnet('169.254.0.0', 16, 'ipv4');
guarded.addSubnet('fe80::', 10, 'ipv6');
// Link-local addresses in the form of a translation between IPv6 and IPv4 (RFC 6052).
guarded.addSubnet('64:ff9b::a9fe:0', 112, 'ipv6');
/** Addresses at which clouds serve the metadata or the credentials of a machine, other than link-local ones. */
const metadata = {
  ipv4: ['100.100.100.200', '168.63.129.16', '192.0.0.192'],
  ipv6: ['fd00:ec2::254', 'fd00:ec2::23', 'fd20:ce::254', 'fd00:c1::a9fe:a9fe', 'fd00:a9fe:a9fe::1', 'fd00:42::42'],
} as const;
for (const family of ['ipv4', 'ipv6'] as const) {
  for (const address of metadata[family]) {
    guarded.addAddress(address, family);
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
