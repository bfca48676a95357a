import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accountKey, type Directory } from '../domain/issuer.ts';
import type { Account } from '../store/accounts.ts';
import { EmbeddedDatabase } from '../store/embedded-database.ts';
import { openIdentities } from '../store/identities.ts';
import { Departures } from './departures.ts';

test('E48: an address of two accounts stays refused until neither of them is inactive, whatever is said of the other one', async () => {
  await using database = new EmbeddedDatabase(':memory:');
  const { accounts, exclusions } = await openIdentities(database, { gateway: 'own', key: null, now: Date.now });
  const none: Directory = { principals: new Map(), issuers: new Map(), groups: new Map(), subjects: new Map(), certificates: new Map() };
  const departures = new Departures({ accounts, exclusions, directory: () => none, now: () => 1000 });
  const account = (id: string, isActive: boolean): Account => ({
    id,
    issuer: 'corp',
    userName: id,
    externalId: null,
    emails: ['shared@corp.example'],
    isActive,
    createdMs: 0,
    changedMs: 0,
  });
  const isRefused = (name: string): boolean => departures.refusalOf({ accounts: [`corp/${name}`, 'corp/shared@corp.example'], issuedMs: 1_000_000 }) !== null;
  await departures.put(account('ann', true), null);
  await departures.put(account('bob', true), null);
  await departures.put(account('bob', false), account('bob', true));
  assert.equal(isRefused('bob'), true);
  await departures.put(account('ann', true), account('ann', true));
  assert.equal(departures.isGone('corp/shared%40corp.example'), true);
  await departures.remove(account('ann', true));
  assert.equal(isRefused('other'), true);
  await departures.put(account('bob', true), account('bob', false));
  assert.equal(isRefused('bob'), false);
});

test('E48: who has an odd name is out like others', async () => {
  await using database = new EmbeddedDatabase(':memory:');
  const { accounts, exclusions } = await openIdentities(database, { gateway: 'own', key: null, now: Date.now });
  const none: Directory = { principals: new Map(), issuers: new Map(), groups: new Map(), subjects: new Map(), certificates: new Map() };
  const departures = new Departures({ accounts, exclusions, directory: () => none, now: () => 1000 });
  const emails = ['a\0@corp.example', 'a\ud800@corp.example'];
  await departures.put({ id: '1', issuer: 'corp', userName: 'ann', externalId: null, emails, isActive: false, createdMs: 0, changedMs: 0 }, null);
  for (const email of emails) {
    assert.notEqual(departures.refusalOf({ accounts: [accountKey('corp', email)], issuedMs: 2000 }), null);
  }
  assert.ok(departures.isGone('corp/a%00@corp.example'));
  assert.ok(!departures.isGone('corp/%FF'), 'no principal of an issuer has this id');
});
