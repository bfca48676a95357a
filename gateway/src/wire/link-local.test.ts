import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isLinkLocal, linkLocalOption, seemsLinkLocal } from './link-local.ts';

test('addresses of the link are known in every spelling', () => {
  for (const address of [
    '169.254.169.254',
    '169.254.0.1',
    '::ffff:169.254.169.254',
    '::ffff:a9fe:a9fe',
    'fe80::1',
    '[fe80::1]',
    'fe80::1%eth0',
    'febf::1',
    '64:ff9b::a9fe:a9fe',
    '64:ff9b:1::169.254.169.254',
    '64:ff9b::100.100.100.200',
    '::ffff:0:169.254.169.254',
    '::169.254.169.254',
    '100.100.100.200',
    '::ffff:100.100.100.200',
    '168.63.129.16',
    'fd00:ec2::254',
    'FD20:CE:0::254',
  ]) {
    assert.ok(isLinkLocal(address), address);
  }
  for (const address of ['127.0.0.1', '10.0.0.1', '169.253.255.255', '::1', 'fec0::1', 'fd00:ec2::253', '64:ff9b::a9ff:0', 'metadata.internal', '']) {
    assert.ok(!isLinkLocal(address), address);
  }
});

test('the option is off unless it is said, in YAML or in the query of a URL', () => {
  assert.equal(linkLocalOption.parse(undefined), false);
  assert.equal(linkLocalOption.parse('false'), false);
  assert.equal(linkLocalOption.parse('true'), true);
  assert.equal(linkLocalOption.parse(true), true);
});

test('a host is known as link-local in every form in which it may be written', () => {
  for (const host of ['169.254.1.1', 'fe80::1%eth0', '2852039166', '0xa9.0376.1', 'metadata.google.internal', 'Metadata.Goog.', 'instance-data']) {
    assert.equal(seemsLinkLocal(host), true, host);
  }
  for (const host of ['', '127.0.0.1', '2130706433', 'fd00::1', 'metadata.example', 'not.metadata.google.internal', 'a b']) {
    assert.equal(seemsLinkLocal(host), false, host);
  }
});
