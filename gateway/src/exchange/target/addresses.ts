import { lookup as resolve, type LookupAddress } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';

const linkLocal = new BlockList();
linkLocal.addSubnet('169.254.0.0', 16, 'ipv4');
linkLocal.addSubnet('fe80::', 10, 'ipv6');
// Two clouds serve the metadata of a machine at these addresses instead of a link-local one.
linkLocal.addAddress('100.100.100.200', 'ipv4');
linkLocal.addAddress('fd00:ec2::254', 'ipv6');

/** True for a link-local address, and for one at which a cloud serves a machine's metadata, also in their IPv4-mapped forms. */
export function isLinkLocal(address: string): boolean {
  const plain = address.replace(/^\[|\]$/g, '').replace(/%.*$/, '');
  const family = isIP(plain);
  return family !== 0 && linkLocal.check(plain, family === 6 ? 'ipv6' : 'ipv4');
}

/** Resolves a name once, for the connection that is dialled with the result (ATTACKS A10). Link-local addresses are left out. */
export const lookupElsewhere: LookupFunction = (hostname, options, callback) => {
  resolve(hostname, { ...options, all: true }, (error, found) => {
    const addresses: LookupAddress[] = error === null ? found.filter(({ address }) => !isLinkLocal(address)) : [];
    const [first] = addresses;
    if (error !== null || first === undefined) {
      callback(error ?? Object.assign(new Error('the name leads to an address of the link'), { code: 'ELINKLOCAL' }), '', 0);
    } else if (options.all === true) {
      callback(null, addresses);
    } else {
      callback(null, first.address, first.family);
    }
  });
};
