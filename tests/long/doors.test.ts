import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import type { ApprovalSummary } from '../../gateway/src/api/approvals.ts';
import { startMariadbServer, type MariadbServer } from '../../gateway/src/protocols/mysql/testdata/mariadb-server.ts';
import { startRedisServer } from '../../gateway/src/protocols/redis/testdata/redis-server.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { startKubernetesServer } from '../support/kubernetes-server.ts';
import { startPostgres } from '../support/postgres-server.ts';
import { requireProgram } from '../support/require-program.ts';
import { requireSshServer, startSshServer } from '../support/ssh-server.ts';
import { waitUntil } from '../support/wait-until.ts';

const mail = 'ada.lovelace@example.com';
const policies = `
@id("everything") @mask("email") permit (principal == Principal::"agent", action, resource);
@id("drops") @reason("People decide on what is lost.") @approval("dba")
forbid (principal, action in Action::"mysql", resource) when { context.effects.contains("destroy") };
@id("no-removal") @reason("Nothing is removed from the cluster.")
forbid (principal, action in Action::"kubernetes", resource) when { context.effects.contains("destroy") };
`;
/** The clients are called as they are without the gateway. */
const script = `
ssh -F "$SSH_CONFIG" host 'cat mail.txt'
ssh -F "$SSH_CONFIG" -tt host 'cat mail.txt' < /dev/null
mariadb -Bse 'SELECT id, email FROM users' store
redis-cli -u "$REDIS_URL" --no-auth-warning GET user:1
psql -X -Atc "SELECT 'ada', 'ada.lovelace@' || 'example.com'"
kubectl get pods
kubectl delete pod web || echo 'not deleted'
mariadb -e 'DROP TABLE old' store && echo 'dropped'
`;

describe('a run with a client of every door', requireProgram('mariadbd', 'mariadb', 'redis-server', 'redis-cli', 'kubectl', 'psql', 'openssl'), () => {
  const parts = new AsyncDisposableStack();
  let server: MariadbServer;
  let gateway: GatewayProcess;

  before(async () => {
    const directory = mkdtempSync(join(tmpdir(), 'countersign-doors-'));
    parts.defer(() => {
      rmSync(directory, { recursive: true });
    });
    writeFileSync(join(directory, 'rules.cedar'), policies);
    const host = parts.use(await startSshServer());
    writeFileSync(join(host.home, 'mail.txt'), `mail ${mail} end\n`);
    server = parts.use(await startMariadbServer());
    server.ask(`CREATE DATABASE store; USE store; CREATE TABLE users (id INT, email VARCHAR(80)); INSERT INTO users VALUES (1, '${mail}');
      CREATE TABLE old (id INT); GRANT ALL ON store.* TO ${server.user}@localhost;`);
    const carts = parts.use(await startRedisServer());
    await carts.ask(`SET user:1 ${mail}`);
    const people = parts.use(await startPostgres());
    const cluster = parts.use(await startKubernetesServer());
    gateway = parts.use(
      await GatewayProcess.start({
        listeners: ['kubernetes', 'mysql', 'postgres', 'redis', 'ssh'],
        environment: {
          SSH_SECRET: host.password,
          REDIS_SECRET: carts.password,
          SQL_SECRET: server.password,
          PG_SECRET: people.password,
          KUBE_SECRET: cluster.token,
        },
        config: `targets:
  host: { url: "ssh://deploy@127.0.0.1:${host.port}", password: { env: SSH_SECRET }, options: { hostKeys: ["${host.hostKey}"] } }
  store: { url: "mysql://${server.user}@127.0.0.1:${server.port}/store", password: { env: SQL_SECRET } }
  carts: { url: "redis://${carts.user}@127.0.0.1:${carts.port}/0", password: { env: REDIS_SECRET } }
  people: { url: "${people.url}", password: { env: PG_SECRET } }
  prod: { url: "https://localhost:${cluster.port}", protocol: kubernetes, password: { env: KUBE_SECRET }, options: { caFile: "${cluster.caFile}" } }
principals:
  agent: { kind: agent, targets: [host, store, carts, people, prod] }
groups: { dba: {} }
approvals: { mode: wait }
policies: ${join(directory, 'rules.cedar')}
`,
      }),
    );
  });
  after(async () => parts.disposeAsync());

  test(
    'is one session: an address is masked everywhere, DROP TABLE is held, kubectl delete is denied, and all of it is found',
    requireSshServer(),
    async () => {
      const child = gateway.spawnCli(['run', '--as', 'agent', '--', 'sh', '-c', script]);
      const ended = Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
      const waiting = async (): Promise<readonly ApprovalSummary[]> => JSON.parse(await (await gateway.api('/api/v1/approvals')).text());
      await waitUntil(async () => child.exitCode !== null || (await waiting()).length === 1);
      const [held] = await waiting();
      assert.ok(server.ask('SHOW TABLES IN store').includes('old'), 'nothing is dropped before somebody has approved');
      assert.equal((await gateway.api(`/api/v1/approvals/${held?.approval}/grant`, { method: 'POST', body: {} })).status, 200, 'DROP TABLE waits');
      const [out, errors] = await ended;
      const lines = out.split(/\r?\n/);
      assert.equal(lines[0], 'mail [email] end');
      assert.equal(lines[1], `mail ${'[email]'.padEnd(mail.length, '*')} end`, 'a terminal keeps its columns');
      assert.deepEqual(lines.slice(2, 5), ['1\t[email]', '[email]', 'ada|[email]']);
      assert.match(out, /web .*\nnot deleted\ndropped\n$/);
      assert.match(errors, /Forbidden.*Nothing is removed from the cluster/);
      assert.ok(!out.includes(mail) && !errors.includes(mail));
      assert.ok(!server.ask('SHOW TABLES IN store').includes('old'));

      const { session } = await gateway.newest();
      const records = await gateway.records(session);
      const targets = new Set(records.map(({ target }) => target));
      for (const target of ['host', 'store', 'carts', 'people', 'prod']) {
        assert.ok(targets.has(target), `${target} is in the session`);
      }
      assert.ok(!JSON.stringify(records).includes(mail), 'a masked value is in no record');
      await gateway.whenIndexed();
      const found = (query: string): number => gateway.rows(['search', `session:${session} ${query}`]).length;
      for (const query of ['kind:statement users', 'kind:statement ada', 'cat']) {
        assert.ok(found(query) > 0, query);
      }
      assert.match(gateway.command(['session', 'export', session, '--asciicast']).stdout, /"version":2[^]*\[email\]\*{17} end/);
      const bundle = join(gateway.directory, 'doors.bundle');
      assert.equal(gateway.command(['session', 'export', session, '--out', bundle]).status, 0);
      assert.match(gateway.commandAsIs(['verify', bundle]).stdout, /verified|whole/i);
    },
  );
});
