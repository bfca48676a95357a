import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import pg from 'pg';
import { openServer, type SampleServer } from '../../cli/src/demo/sample-server.ts';
import { clientId } from '../../examples/issuer.ts';
import type { ShownRecord } from '../../gateway/src/feed/shown-record.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { ManyClients } from '../support/many-clients.ts';
import { audience, Browser, Issuer } from '../support/issuer.ts';
import { startPostgres, type PostgresServer } from '../support/postgres-server.ts';
import { suiteParts } from '../support/suite-parts.ts';
import { waitUntil, within } from '../support/wait-until.ts';

const secret = 'scim-secret-canary-77b1-scim-secret-canary-77b1';
const patchSchema = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';

/** The parts of an answer that the tests look at. */
interface ScimBody {
  readonly id: string;
  readonly active: boolean;
  readonly externalId: string;
  readonly totalResults: number;
  readonly startIndex: number;
  readonly itemsPerPage: number;
  readonly Resources: readonly ScimBody[];
  readonly scimType?: string;
}

describe('who leaves', () => {
  let issuer: Issuer;
  let database: PostgresServer;
  let web: SampleServer;
  let gateway: GatewayProcess;
  const clients = new ManyClients();
  const parts = suiteParts();
  before(async () => {
    database = parts.use(await startPostgres());
    web = parts.use(
      await openServer(async (_request, response) => {
        response.end('hello');
      }),
    );
    const targets = `targets:
  shop: { url: "${database.url}", password: { env: SHOP_PASSWORD }, durability: process }
  web: { protocol: http, url: "${web.url}", durability: process }
`;
    gateway = parts.use(
      await GatewayProcess.start({ config: `${targets}principals: {}\n`, environment: { SHOP_PASSWORD: database.password, SCIM_SECRET: secret } }),
    );
    issuer = parts.use(await Issuer.open(`http://127.0.0.1:${gateway.port('http')}/api/v1/logout/corp`));
    ['ann', 'bea', 'cem', 'dan', 'eve', 'fay'].forEach((person) => issuer.groups.set(person, ['staff']));
    await gateway.apply(`${targets}principals: { fay: { kind: human, issuer: corp, subject: fay, targets: [web] } }
groups: { staff: { targets: [shop, web] } }
identity:
  issuers:
    corp: { url: "${issuer.url}", clientId: ${clientId}, scim: { env: SCIM_SECRET }, audience: "${audience}", groups: groups, principal: email }
`);
  });

  async function scim(method: string, path: string, body?: unknown, shown = secret): Promise<{ readonly status: number; readonly body: ScimBody }> {
    const answer = await fetch(`http://127.0.0.1:${gateway.port('http')}/scim/v2/${path}`, {
      method,
      headers: { authorization: `Bearer ${shown}`, 'content-type': 'application/scim+json', connection: 'close' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    assert.equal(answer.headers.get('content-type'), text === '' ? null : 'application/scim+json');
    return { status: answer.status, body: JSON.parse(text === '' ? '{}' : text) };
  }

  /** Adds a user as a directory does that has looked whether there is one. Returns the id. */
  async function provision(person: string): Promise<string> {
    const found = await scim('GET', `Users?filter=${encodeURIComponent(`userName eq "${person}@corp.example"`)}`);
    assert.deepEqual([found.status, found.body.totalResults, found.body.Resources], [200, 0, []]);
    const { status, body } = await scim('POST', 'Users', {
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:User', 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'],
      userName: `${person.toUpperCase()}@corp.example`,
      externalId: `00u-${person}`,
      name: { givenName: person, familyName: 'X' },
      emails: [{ primary: true, value: `${person}@corp.example`, type: 'work' }],
      active: true,
    });
    assert.deepEqual([status, body.active, body.externalId], [201, true, `00u-${person}`]);
    return body.id;
  }

  async function connect(token: string): Promise<pg.Client> {
    const client = new pg.Client({ host: '127.0.0.1', port: gateway.port('postgres'), user: 'any', password: token, database: 'shop' });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  }

  async function get(token: string): Promise<number | undefined> {
    return clients.ask(gateway, '/t/web/', token);
  }

  async function ownRecords(action: string): Promise<readonly ShownRecord[]> {
    const own = (await gateway.sessions('all')).filter(({ principal }) => principal === null);
    return (await Promise.all(own.map(async ({ session }) => gateway.records(session)))).flat().filter((record) => record.action === action);
  }

  /** Opens a connection and a session over HTTP, does what ends them, and looks that both ended and that the token is refused. */
  async function leaves(person: string, act: () => Promise<unknown>, browser = new Browser()): Promise<string> {
    const token = await issuer.signIn(person, browser);
    const client = await connect(token);
    assert.deepEqual((await client.query('select 1 as one')).rows, [{ one: 1 }]);
    assert.equal(await get(token), 200);
    const ended = new Promise((resolve) => client.once('end', resolve));
    await act();
    await within(ended, 'the end of the connection');
    assert.equal(await get(token), 401);
    return token;
  }

  /** Signs in until the token is accepted: a token that the issuer made in the second of the end is taken for one before it. */
  async function comesBack(person: string): Promise<void> {
    await waitUntil(async () => (await get(await issuer.signIn(person))) === 200);
  }

  test('B25: only the directory of an issuer is heard, by its own secret', async () => {
    for (const shown of ['', `${secret}x`, await issuer.signIn('ann')]) {
      assert.equal((await scim('GET', 'Users', undefined, shown)).status, 401);
    }
    const page = await fetch(`http://127.0.0.1:${gateway.port('http')}/scim/v2/Users`, {
      headers: { authorization: `Bearer ${secret}`, origin: 'https://evil.example' },
    });
    assert.deepEqual([page.status, page.headers.get('content-type')], [403, 'application/scim+json'], 'not a web page either');
    assert.ok(!gateway.log.includes(secret));
  });

  test('E48: Okta deactivates an account, and what it opened ends at once, on record', async () => {
    const id = await provision('ann');
    const operation = { schemas: [patchSchema], Operations: [{ op: 'replace', value: { active: false } }] };
    await leaves('ann', async () => assert.equal((await scim('PATCH', `Users/${id}`, operation)).body.active, false));
    await assert.rejects(
      connect(await issuer.signIn('ann')),
      /the account that it stands for is not active/,
      'while it is not active, new tokens are refused too',
    );
    const [record, ...others] = await ownRecords('gateway.deactivate_account');
    assert.deepEqual(others, []);
    assert.deepEqual(record?.attributes['countersign.account'], ['ANN@corp.example', '00u-ann']);
    assert.equal(record.attributes['user.id'], 'issuer:corp');
  });

  test('E48: Entra deactivates an account, in its own form, and activates it: only a token made later is accepted', async () => {
    const id = await provision('bea');
    const say = async (value: string): Promise<void> => {
      const { status, body } = await scim('PATCH', `Users/${id}`, { schemas: [patchSchema], Operations: [{ op: 'Replace', path: 'active', value }] });
      assert.deepEqual([status, body.active], [200, value === 'True']);
    };
    const token = await leaves('bea', async () => say('False'));
    await say('True');
    assert.equal(await get(token), 401);
    await comesBack('bea');
    assert.equal(await get(token), 401);
  });

  test('E48: an account that is replaced or removed ends too', async () => {
    const replaced = await provision('cem');
    await leaves('cem', async () => scim('PUT', `Users/${replaced}`, { userName: 'cem@corp.example', active: false }));
    assert.equal((await scim('PUT', `Users/${replaced}`, { userName: 'cem@corp.example' })).body.active, false, 'without a word, it stays as it was');
    const removed = await provision('dan');
    await leaves('dan', async () => assert.equal((await scim('DELETE', `Users/${removed}`)).status, 204));
    assert.equal((await scim('GET', `Users/${removed}`)).status, 404);
  });

  test('E48: whoever signs out at the issuer is signed out here, and comes back with a new token', async () => {
    const browser = new Browser();
    const token = await leaves('eve', async () => issuer.signOut(browser), browser);
    const [record] = await ownRecords('gateway.end_sign_ins');
    assert.equal(record?.attributes['countersign.subject'], 'eve');
    await comesBack('eve');
    assert.equal(await get(token), 401);
  });

  test('E48: a principal of the configuration is gone with the account to which it is bound, with the tokens of the gateway too', async () => {
    const token = await gateway.issueToken('fay');
    assert.equal(await get(token), 200);
    await scim('POST', 'Users', { userName: 'fay', active: false });
    assert.equal(await get(token), 401);
    await assert.rejects(gateway.issueToken('fay'), /the account of fay is not active at its issuer/);
  });

  test('a group that is gone takes its grants with the next token', async () => {
    assert.equal(await get(await issuer.signIn('gus')), 403);
  });

  test('it is remembered over a restart', async () => {
    const token = await issuer.signIn('ann');
    assert.equal(await gateway.signal('SIGKILL'), null);
    await gateway.start();
    assert.equal(await get(token), 401);
    assert.equal(gateway.verify().status, 0);
  });

  test('a directory hears of mistakes in its own form', async () => {
    const body = { userName: 'x', active: 'perhaps' };
    const answers = await Promise.all([
      scim('POST', 'Users', body),
      scim('POST', 'Users', { userName: 'FAY' }),
      scim('GET', 'Users/none'),
      scim('GET', `Users?filter=${encodeURIComponent('name.familyName sw "X"')}`),
      scim('PATCH', 'Users/none', { Operations: [] }),
    ]);
    assert.deepEqual(
      answers.map(({ status, body: { scimType = '' } }) => [status, scimType]),
      [
        [400, ''],
        [409, 'uniqueness'],
        [404, ''],
        [400, 'invalidFilter'],
        [404, ''],
      ],
    );
    assert.equal((await scim('GET', 'Users?startIndex=1e300&count=1')).status, 200);
    const page = await scim('GET', 'Users?startIndex=2&count=1');
    assert.deepEqual([page.body.startIndex, page.body.itemsPerPage, page.body.Resources.length], [2, 1, 1]);
  });
});
