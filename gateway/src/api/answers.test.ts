import { strict as assert } from 'node:assert';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { registerPasskey } from '../../../tests/support/soft-authenticator.ts';
import { waitUntil } from '../../../tests/support/wait-until.ts';
import { publicRoutes, routes } from './routes.ts';
import { openRunningGateway, type RunningGateway } from './testdata/running-gateway.ts';

const directory = mkdtempSync(join(tmpdir(), 'countersign-answers-'));
writeFileSync(join(directory, 'held.cedar'), '@approval("dba") @breakglass("oncall") forbid (principal, action == Action::"http.request", resource);\n');
after(() => {
  rmSync(directory, { recursive: true });
});

const issuers = 'identity: { issuers: { corp: { url: https://id.corp.example, clientId: countersign, audience: countersign } } }\n';

interface Request {
  readonly path: string;
  readonly body?: unknown;
  readonly token?: string;
  readonly accept?: string;
}

/** A request that each endpoint answers without an error, by the id of the endpoint; in this order. `run` is one that goes on. */
async function requestsOf({ json, ask, url }: RunningGateway): Promise<Readonly<Record<string, Request>>> {
  const { token, id } = Object.assign({ token: '', id: '' }, await json('POST', '/api/v1/tokens', { principal: 'bot' }));
  const { token: wide } = Object.assign({ token: '' }, await json('POST', '/api/v1/tokens', { principal: 'wide' }));
  const { token: admin } = Object.assign({ token: '' }, await json('POST', '/api/v1/tokens', { principal: 'ann' }));
  const { session: run } = Object.assign({ session: '' }, await json('POST', '/api/v1/runs', { principal: 'bot', recordOutput: true }));
  const { session: ended } = Object.assign({ session: '' }, await json('POST', '/api/v1/runs', { principal: 'bot' }));
  await json('POST', `/api/v1/runs/${ended}/end`);
  const { link } = Object.assign({ link: '' }, await json('POST', '/api/v1/passkeys/invitations', { name: 'ann' }));
  const { credentialId: passkey } = await registerPasskey(link);
  const { opening } = Object.assign({ opening: '' }, await json('POST', '/api/v1/openings', { session: ended, reason: 'ticket 1' }));
  const ids: string[] = [];
  const { token: dan } = Object.assign({ token: '' }, await json('POST', '/api/v1/tokens', { principal: 'dan' }));
  for (const asker of [wide, wide, dan]) {
    const path = `/${ids.length}`;
    const held = await fetch(`${url}/t/api${path}`, { method: 'POST', headers: { authorization: `Bearer ${asker}`, 'countersign-hold': 'return' } });
    ids.push(Object.assign({ approval: '' }, await held.json()).approval);
  }
  const { session: asking } = Object.assign({ session: '' }, await json('GET', `/api/v1/approvals/${ids[0]}`));
  const [log = ''] = (await (await ask('GET', '/log/checkpoint')).text()).split('\n');
  let alert = '';
  await waitUntil(async () => {
    const [first = { alert: '' }]: readonly { readonly alert: string }[] = JSON.parse(await (await ask('GET', '/api/v1/alerts')).text());
    ({ alert } = first);
    return alert !== '';
  });
  const { waits } = Object.assign({ waits: '' }, await json('POST', '/api/v1/erasures', { query: 'principal:wide', reason: 'letter' }));
  return {
    getHealth: { path: '/healthz' },
    getOpenApi: { path: '/api/v1/openapi.json' },
    getReadiness: { path: '/readyz' },
    listIssuers: { path: '/api/v1/issuers' },
    showCaller: { path: '/api/v1/whoami', token },
    signOut: { path: '/api/v1/sign-out', token, body: {} },
    listTargets: { path: '/api/v1/targets' },
    applyConfig: { path: '/api/v1/config/apply', body: {} },
    showConfig: { path: '/api/v1/config' },
    showRetention: { path: '/api/v1/retention' },
    planRetention: { path: '/api/v1/retention/plan', body: { at: '2030-01-01' } },
    showPrincipalAccess: { path: '/api/v1/principals/ann/access' },
    showTargetAccess: { path: '/api/v1/targets/shop/access' },
    showConnection: { path: '/api/v1/targets/shop/connection' },
    checkConnection: { path: '/api/v1/connect/shop', token },
    listTools: { path: '/api/v1/targets/wiki/tools' },
    pinTools: { path: '/api/v1/targets/wiki/tools/pin', body: {} },
    listPrincipals: { path: '/api/v1/principals' },
    suspendPrincipal: { path: '/api/v1/principals/ann/suspend', body: { reason: 'lost laptop' } },
    resumePrincipal: { path: '/api/v1/principals/ann/resume', body: {} },
    listPasskeys: { path: '/api/v1/passkeys' },
    inviteAdministrator: { path: '/api/v1/passkeys/invitations', body: { name: 'bea' } },
    linkBrowser: { path: '/api/v1/sign-in/link', body: { principal: 'ann' } },
    removePasskey: { path: `/api/v1/passkeys/${Buffer.from(passkey, 'base64').toString('base64url')}` },
    showPolicy: { path: '/api/v1/policy' },
    listPolicyVersions: { path: '/api/v1/policy/versions' },
    listPolicyFiles: { path: '/api/v1/policy/files' },
    listPolicyWords: { path: '/api/v1/policy/words' },
    checkPolicies: { path: '/api/v1/policy/check', body: { files: [{ file: 'more.cedar', text: 'forbid (principal, action, resource);' }] } },
    testPolicies: { path: '/api/v1/policy/test', body: { cases: '- { principal: bot, target: shop, action: postgres.connect, expect: allow }' } },
    explainRequest: { path: '/api/v1/policy/explain', body: { request: { principal: 'bot', target: 'shop', action: 'postgres.connect' } } },
    tryPolicies: { path: '/api/v1/policy/try', body: {} },
    savePolicyFile: { path: '/api/v1/policy/files/more.cedar', body: { text: '', sha256: null, force: true } },
    showPolicyVersion: { path: `/api/v1/policy/versions/${Object.assign({ version: '' }, await json('GET', '/api/v1/policy')).version}` },
    listTokens: { path: '/api/v1/tokens' },
    createToken: { path: '/api/v1/tokens', body: { principal: 'ann' } },
    revokeToken: { path: `/api/v1/tokens/${id}` },
    openRun: { path: '/api/v1/runs', body: { principal: 'wide', targets: ['shop', 'api'] } },
    recordOutput: { path: `/api/v1/runs/${run}/output/stdout`, body: 'printed' },
    listSessions: { path: '/api/v1/sessions?all' },
    getSession: { path: `/api/v1/sessions/${run}` },
    showSession: { path: `/api/v1/sessions/${run}/records` },
    compareSessions: { path: `/api/v1/sessions/${asking}/diff/${ended}` },
    traceRecord: { path: `/api/v1/records/${log.replace('countersign/', '')}/0/trace` },
    showRecord: { path: `/api/v1/records/${log.replace('countersign/', '')}/0` },
    readBytes: { path: `/api/v1/sessions/${run}/records/3/bytes?bytes=0-` },
    haltSession: { path: `/api/v1/sessions/${run}/halt`, body: {} },
    watchSession: { path: `/api/v1/sessions/${run}/watch` },
    exportSession: { path: `/api/v1/sessions/${ended}/bundle` },
    endRun: { path: `/api/v1/runs/${ended}/end`, body: { exitCode: 0 } },
    runRetention: { path: '/api/v1/retention/run', body: {} },
    rebuildIndex: { path: '/api/v1/index/rebuild', body: {} },
    backUp: { path: '/api/v1/backup', body: { out: join(directory, 'backup') } },
    listApprovals: { path: '/api/v1/approvals?all' },
    showApproval: { path: `/api/v1/approvals/${ids[0]}` },
    grantApproval: { path: `/api/v1/approvals/${ids[0]}/grant`, body: {} },
    denyApproval: { path: `/api/v1/approvals/${ids[1]}/deny`, body: { reason: 'enough' } },
    breakGlass: { path: `/api/v1/approvals/${ids[2]}/break`, body: { reason: 'outage' }, token: dan },
    exportEvidence: { path: `/api/v1/evidence?query=session:${ended}&withhold=class:card` },
    getEvidencePage: { path: '/api/v1/evidence/page' },
    listReports: { path: '/api/v1/reports' },
    makeReport: { path: '/api/v1/reports/pci-dss?since=30d' },
    exportRecords: { path: '/api/v1/export?query=kind:decision&form=ocsf' },
    listAlerts: { path: '/api/v1/alerts?all' },
    showAlert: { path: `/api/v1/alerts/${alert}` },
    acknowledgeAlert: { path: `/api/v1/alerts/${alert}/acknowledge`, body: {} },
    assignAlert: { path: `/api/v1/alerts/${alert}/assign`, body: { to: 'ann' } },
    closeAlert: { path: `/api/v1/alerts/${alert}/close`, body: { note: 'a test' } },
    createHold: { path: '/api/v1/holds', body: { matter: '2026-117', query: 'principal:bot', reason: 'letter' }, token: admin },
    listHolds: { path: '/api/v1/holds' },
    showHold: { path: '/api/v1/holds/2026-117' },
    releaseHold: { path: '/api/v1/holds/2026-117/release', body: { reason: 'settled' } },
    eraseRecords: { path: '/api/v1/erasures', body: { query: 'principal:bot', reason: 'letter', plan: true } },
    listErasures: { path: '/api/v1/erasures' },
    confirmErasure: { path: `/api/v1/erasures/${waits}/confirm`, body: {}, token: admin },
    listOpenings: { path: '/api/v1/openings' },
    askOpening: { path: '/api/v1/openings', body: { session: ended, reason: 'ticket 1' } },
    grantOpening: { path: `/api/v1/openings/${opening}/grant`, body: {}, token: admin },
    searchRecords: { path: '/api/v1/search?query=kind:decision&limit=5' },
    listFields: { path: '/api/v1/search/fields' },
    saveSearch: { path: '/api/v1/saved-searches', body: { name: 'decisions', query: 'kind:decision' } },
    listSavedSearches: { path: '/api/v1/saved-searches' },
    deleteSavedSearch: { path: '/api/v1/saved-searches/decisions' },
    listReviews: { path: '/api/v1/reviews?threshold=0' },
    showStorage: { path: '/api/v1/storage' },
    reconcileTarget: { path: '/api/v1/targets/api/reconcile' },
    listKeys: { path: '/api/v1/keys' },
    rotateSigningKey: { path: '/api/v1/keys/rotate-signing', body: { reason: 'a test' } },
    rotateRootKey: { path: '/api/v1/keys/rotate-root', body: { reason: 'a test' } },
    showTimestamps: { path: '/api/v1/timestamps' },
    showWitnesses: { path: '/api/v1/witnesses' },
    getReviewCoverage: { path: '/api/v1/reviews/coverage' },
    signReview: { path: `/api/v1/reviews/${ended}/sign`, body: { note: 'nothing' }, token: admin },
    serveRecord: { path: '/api/v1/mcp', body: { jsonrpc: '2.0', id: 1, method: 'tools/list' }, accept: 'application/json, text/event-stream' },
    getReceipt: { path: `/api/v1/receipts/${log.replace('countersign/', '')}/0` },
    getLogKey: { path: '/log/key' },
    getLogKeys: { path: '/log/keys' },
    getLogFile: { path: '/log/checkpoint' },
    getMetrics: { path: '/metrics' },
  };
}

test('each endpoint answers as its schemas say', async (context) => {
  await using running = await openRunningGateway(
    `  dan: { kind: human, groups: [oncall], targets: [api] }\npolicies: ${directory}\n${issuers}alerts: { tokens: { query: "kind:decision", by: action } }\nroles: { analyst: { groups: [admins] } }\nretention: { erase: { twoPersons: true } }\n`,
  );
  const requests = await requestsOf(running);
  const endpoints = new Map([...publicRoutes, ...routes].map((endpoint) => [endpoint.id, endpoint]));
  assert.deepEqual(Object.keys(requests).toSorted(), [...endpoints.keys()].toSorted());
  for (const [id, { path, body, token, accept }] of Object.entries(requests)) {
    await context.test(id, async () => {
      const headers = { authorization: `Bearer ${token ?? running.operator}`, ...(accept === undefined ? {} : { accept, 'content-type': 'application/json' }) };
      // `ask` compares the answer with the schemas.
      const answer = await running.ask(endpoints.get(id)?.method ?? '', path, { body, headers });
      assert.ok(answer.ok, `${answer.status} ${answer.ok ? '' : await answer.text()}`);
      assert.ok((await answer.text()).length > 0);
    });
  }
  await context.test('a wrong body is answered in plain words that name its member', async () => {
    const { alert } = Object.assign({ alert: '' }, await running.json('GET', requests['showAlert']?.path ?? ''));
    for (const [path, body, detail] of [
      ['saved-searches', {}, 'name: this is missing; query: this is missing'],
      ['saved-searches', { name: 'a', query: 5 }, 'query: a text is expected'],
      ['tokens', { principal: 'ann', ttlMs: 0 }, 'ttlMs: a number of more than 0 is expected'],
      ['tokens', { principal: 'ann', for: 'ever' }, 'nothing is known of "for" here'],
      ['tokens', ['ann'], 'an object is expected'],
      [`alerts/${alert}/close`, { note: 'x'.repeat(1001) }, 'note: a text of at most 1000 characters is expected'],
      [
        `alerts/${alert}/assign`,
        { to: 'annn' },
        'There is no principal "annn" in the configuration, and it is not of one of its issuers: countersign principal list names the principals.',
      ],
    ] as const) {
      const answer = await running.ask('POST', `/api/v1/${path}`, { body });
      assert.deepEqual([answer.ok, Object.assign({ detail: '' }, await answer.json()).detail], [false, detail]);
    }
  });
});

test('each file of endpoints exports endpoints by their ids, and all of them are routes', async () => {
  const folder = join(import.meta.dirname, 'endpoints');
  const exported = await Promise.all(readdirSync(folder).map(async (file): Promise<Record<string, unknown>> => import(join(folder, file))));
  const known = [...publicRoutes, ...routes].map((endpoint) => [endpoint.id, endpoint] as const);
  assert.deepEqual(Object.assign({}, ...exported), Object.fromEntries(known));
});
