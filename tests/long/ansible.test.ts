import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { GatewayProcess } from '../support/gateway-process.ts';
import { requireProgram } from '../support/require-program.ts';
import { requireSshServer, startSshServer } from '../support/ssh-server.ts';

describe('ansible through the gateway', { ...requireSshServer(), ...requireProgram('ansible-playbook') }, () => {
  test('a playbook copies files, renders a template and runs commands as without the gateway, and all of it is on record', async () => {
    await using parts = new AsyncDisposableStack();
    const directory = mkdtempSync(join(tmpdir(), 'countersign-ansible-'));
    parts.defer(() => {
      rmSync(directory, { recursive: true });
    });
    const server = parts.use(await startSshServer());
    const gateway = parts.use(
      await GatewayProcess.start({
        listeners: ['ssh'],
        environment: { HOST_PASSWORD: server.password },
        config: `targets:
  host: { url: "ssh://deploy@127.0.0.1:${server.port}", password: { env: HOST_PASSWORD }, options: { hostKeys: ["${server.hostKey}"] } }
principals:
  agent: { kind: agent, targets: [host] }
`,
      }),
    );
    const file = (name: string, content: string): string => {
      writeFileSync(join(directory, name), content);
      return join(directory, name);
    };
    file('greeting.j2', 'hello {{ who }}\n');
    file('long', 'x'.repeat(300_000));
    const playbook = file(
      'play.yaml',
      `- hosts: host
  gather_facts: false
  vars: { who: ada }
  tasks:
    - { copy: { src: ${directory}/long, dest: ${server.home}/long } }
    - { template: { src: greeting.j2, dest: ${server.home}/greeting } }
    - { command: cat ${server.home}/greeting, register: said }
    - { debug: { var: said.stdout } }
`,
    );
    const words = `ANSIBLE_SSH_ARGS="-F $SSH_CONFIG -o PasswordAuthentication=yes -o PreferredAuthentications=password" ansible-playbook -i host, ${playbook}`;
    for (const transfer of ['sftp', 'piped']) {
      const child = gateway.spawnCli(['run', '--as', 'agent', '--', 'sh', '-c', words], {
        ANSIBLE_SSH_TRANSFER_METHOD: transfer,
        ANSIBLE_LOCAL_TEMP: join(directory, 'local'),
        ANSIBLE_NOCOLOR: '1',
        // In batches sftp asks for no password.
        ANSIBLE_SFTP_BATCH_MODE: '0',
        HOME: directory,
      });
      const [out, errors, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
      assert.equal(status, 0, out + errors);
      assert.match(out, /"said.stdout": "hello ada"/);
      assert.match(out, /failed=0/);
      assert.equal(readFileSync(join(server.home, 'long'), 'utf8').length, 300_000);
      rmSync(join(server.home, 'long'));
      const actions = new Set((await gateway.records((await gateway.newest()).session)).map(({ action }) => action));
      assert.ok(actions.has('ssh.exec'), [...actions].join());
      assert.equal(actions.has('ssh.sftp.write'), transfer === 'sftp', [...actions].join());
    }
  });
});
