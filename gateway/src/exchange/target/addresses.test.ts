import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultLimits } from '../../domain/limits.ts';
import type { GatewayError } from '../../domain/errors.ts';
import { isLinkLocal, lookupElsewhere } from './addresses.ts';
import { TargetConnections } from './target-connections.ts';

/** `getaddrinfo` takes it for 169.254.169.254, and `isIP` for a name: what a name server might answer, without one. */
const nameOfMetadata = '2852039166';

test('addresses of the link are known in every spelling', () => {
  for (const address of [
    '169.254.169.254',
    '169.254.0.1',
    '::ffff:169.254.169.254',
    'fe80::1',
    '[fe80::1]',
    'fe80::1%eth0',
    '100.100.100.200',
    'fd00:ec2::254',
  ]) {
    assert.ok(isLinkLocal(address), address);
  }
  for (const address of ['127.0.0.1', '10.0.0.1', '169.253.255.255', '::1', 'fd00:ec2::253', 'metadata.internal']) {
    assert.ok(!isLinkLocal(address), address);
  }
});

test('a name is looked up once, its addresses are dialled, and link-local ones are left out', async () => {
  const found = await new Promise<unknown>((resolve, reject) => {
    lookupElsewhere('localhost', { all: true }, (error, addresses) => (error === null ? resolve(addresses) : reject(error)));
  });
  assert.match(JSON.stringify(found), /"127\.0\.0\.1"|"::1"/);
  await assert.rejects(
    new Promise((resolve, reject) => {
      lookupElsewhere(nameOfMetadata, {}, (error, address) => (error === null ? resolve(address) : reject(error)));
    }),
    { code: 'ELINKLOCAL' },
  );
});

test('a target whose name leads to an address of the link is not dialled', async () => {
  const { dialMs, idleMs, connectionsMax } = defaultLimits;
  const target = { name: 'x', protocol: 'x', scheme: 'http', host: nameOfMetadata, port: 80, path: '', user: '', durability: 'process', options: {} } as const;
  using connections = new TargetConnections(target, { tls: null, allowLinkLocal: false, dialMs, idleMs, connectionsMax });
  const error = await new Promise<GatewayError | null>((resolve) => {
    connections.take({ onBytes: () => undefined, onDrain: () => undefined, onClosed: resolve });
  });
  assert.equal(error?.code, 'target_unreachable');
  assert.match(error.message, /leads to an address of the link/);
});
