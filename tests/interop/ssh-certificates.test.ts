import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import ssh2 from 'ssh2';
import { GatewayProcess } from '../support/gateway-process.ts';
import { runProgram, type RunResult } from '../support/run.ts';
import { requireSshServer, startSshServer, type SshServer } from '../support/ssh-server.ts';

describe('certificates of OpenSSH', requireSshServer(), () => {
  let server: SshServer;
  let gateway: GatewayProcess;
  let directory: string;
  let made = 0;
  const at = (name: string): string => join(directory, name);
  const keygen = async (...words: string[]): Promise<void> => {
    const { status, stderr } = await runProgram('ssh-keygen', ['-q', ...words], {}, '');
    assert.equal(status, 0, stderr);
  };
  const publicKey = (name: string): string =>
    readFileSync(at(`${name}.pub`), 'utf8')
      .trim()
      .split(' ')
      .slice(0, 2)
      .join(' ');
  before(async () => {
    server = await startSshServer();
    directory = mkdtempSync(join(tmpdir(), 'countersign-certificates-'));
    for (const [name, ...type] of [
      ['ed25519', '-t', 'ed25519'],
      ['ecdsa', '-t', 'ecdsa', '-b', '521'],
      ['rsa', '-t', 'rsa', '-b', '2048'],
      ['stranger', '-t', 'ed25519'],
    ]) {
      await keygen('-N', '', '-f', at(name ?? ''), ...type);
    }
    gateway = await GatewayProcess.start({
      listeners: ['ssh'],
      environment: { HOST_PASSWORD: server.password },
      config: `targets:
  host: { url: "ssh://deploy@127.0.0.1:${server.port}", password: { env: HOST_PASSWORD }, options: { hostKeys: ["${server.hostKey}"] } }
principals:
  ann:
    kind: human
    targets: [host]
    sshCertificates:
${['ed25519', 'ecdsa', 'rsa'].map((name) => `      - { authority: "${publicKey(name)}", principal: ann }`).join('\n')}
  bob: { kind: human, targets: [host], sshCertificates: [{ authority: "${publicKey('ed25519')}", principal: bob }] }
`,
    });
  });
  after(async () => {
    rmSync(directory, { recursive: true, force: true });
    await gateway[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });

  /** Makes a key of a type, has an authority sign it, and returns the name of the key. */
  const signed = async (type: string, authority: string, ...words: string[]): Promise<string> => {
    made += 1;
    const name = `user${made}`;
    await keygen('-N', '', '-f', at(name), '-t', type);
    await keygen('-s', at(authority), ...words, at(`${name}.pub`));
    return name;
  };
  const ssh = async (...words: string[]): Promise<RunResult> => {
    const { stderr, ...result } = await runProgram(
      'ssh',
      [
        '-F',
        'none',
        '-o',
        'StrictHostKeyChecking=no',
        '-o',
        'UserKnownHostsFile=/dev/null',
        '-o',
        'BatchMode=yes',
        ...words,
        '-p',
        String(gateway.port('ssh')),
        'host@127.0.0.1',
        'echo $USER',
      ],
      {},
      '',
    );
    return { ...result, stderr: stderr.replace(/^Warning: Permanently added .*\r?\n/m, '') };
  };
  const withKey = async (name: string): Promise<RunResult> => ssh('-o', 'IdentitiesOnly=yes', '-o', 'IdentityAgent=none', '-i', at(name));
  const certificateOf = (name: string): Buffer => Buffer.from(readFileSync(at(`${name}-cert.pub`), 'utf8').split(' ')[1] ?? '', 'base64');
  const forAnn = ['-I', 'ann at work', '-n', 'ann', '-z', '18446744073709551615', '-V', '-1h:+1h'];

  test('a certificate takes the place of a token, of each type and from each authority; its serial number and its key id are recorded', async () => {
    for (const [type, authority] of [
      ['ed25519', 'ed25519'],
      ['ecdsa', 'rsa'],
      ['rsa', 'ecdsa'],
    ] as const) {
      assert.deepEqual(await withKey(await signed(type, authority, ...forAnn, '-O', 'source-address=10.0.0.0/8,127.0.0.1/32')), {
        status: 0,
        stdout: 'deploy\n',
        stderr: '',
      });
      const { session } = await gateway.newest();
      const record = (await gateway.records(session)).find(({ action }) => action === 'gateway.authenticate');
      const attributes = record?.attributes ?? {};
      assert.equal(record?.principal, 'ann');
      assert.equal(attributes['countersign.client_certificate.key_id'], 'ann at work');
      assert.equal(attributes['countersign.client_certificate.serial'], '18446744073709551615');
      assert.match(String(attributes['countersign.client_certificate.authority.sha256']), /^[0-9a-f]{64}$/);
      assert.equal(attributes['tls.client.hash.sha256'], undefined);
    }
    await withKey(await signed('ed25519', 'ed25519', '-I', 'b', '-n', 'other,bob'));
    assert.equal((await gateway.records((await gateway.newest()).session)).find(({ action }) => action === 'gateway.authenticate')?.principal, 'bob');
  });

  /** The certificates that must admit nobody, each with the reason that is told to somebody who has proved that it is theirs. */
  const refused: readonly (readonly [what: string, authority: string, words: readonly string[], reason: RegExp | null])[] = [
    ['of a host', 'ed25519', ['-h', ...forAnn], /certificate of a host/],
    ['of another authority', 'stranger', forAnn, null],
    ['of an authority that is not trusted for this name', 'rsa', ['-I', 'b', '-n', 'bob'], null],
    ['for another name', 'ed25519', ['-I', 'x', '-n', 'Ann'], null],
    ['without a name', 'ed25519', ['-I', 'x'], null],
    ['of two principals', 'ed25519', ['-I', 'x', '-n', 'ann,bob'], null],
    ['that has expired', 'ed25519', ['-I', 'x', '-n', 'ann', '-V', '-2h:-1h'], /has expired/],
    ['that is not valid yet', 'ed25519', ['-I', 'x', '-n', 'ann', '-V', '+1h:+2h'], /not valid yet/],
    ['with force-command', 'ed25519', [...forAnn, '-O', 'force-command=id'], /"force-command" cannot be kept/],
    ['with an unknown critical option', 'ed25519', [...forAnn, '-O', 'critical:new@example.com=1'], /"new@example.com" cannot be kept/],
    ['for other addresses', 'ed25519', [...forAnn, '-O', 'source-address=10.0.0.0/8,::1/128'], /source-address/],
    ['that is signed with SHA-1', 'rsa', ['-t', 'ssh-rsa', ...forAnn], null],
  ];
  for (const [what, authority, words, reason] of refused) {
    test(`B18: a certificate ${what} admits nobody`, async () => {
      const { session } = await gateway.newest();
      const name = await signed('ed25519', authority, ...words);
      // An agent gives the client certificates that it would not take from a file.
      const { status, stderr } = await withAgent(certificateOf(name), name);
      assert.equal(status, 255);
      assert.match(stderr, /Permission denied/);
      if (reason !== null) {
        assert.match(stderr, reason);
      }
      assert.equal((await gateway.newest()).session, session, 'nothing was opened');
    });
  }

  test('B16: a certificate that is offered is not proven: a signature of another key admits nobody', async () => {
    const name = await signed('ed25519', 'ed25519', ...forAnn);
    const certificate = certificateOf(name);
    const { session } = await gateway.newest();
    assert.match((await withAgent(certificate, 'stranger')).stderr, /Permission denied/);
    assert.equal((await gateway.newest()).session, session, 'nothing was opened');
    assert.deepEqual(await withAgent(certificate, name), { status: 0, stdout: 'deploy\n', stderr: '' });
  });

  /** Logs in with an agent that has a certificate, and signs with a key of its choice. https://www.ietf.org/archive/id/draft-ietf-sshm-ssh-agent-05.html */
  const withAgent = async (certificate: Buffer, key: string): Promise<RunResult> => {
    const parsed = ssh2.utils.parseKey(readFileSync(at(key)));
    assert.ok(!(parsed instanceof Error));
    const string = (bytes: Uint8Array): Buffer => Buffer.concat([Buffer.from(Uint32Array.of(bytes.length).buffer).swap32(), bytes]);
    const agent = createServer((socket) => {
      let held = Buffer.alloc(0);
      socket.on('error', () => socket.destroy());
      socket.on('data', (bytes: Buffer) => {
        held = Buffer.concat([held, bytes]);
        while (held.length >= 5 && held.length >= 4 + held.readUInt32BE(0)) {
          const message = held.subarray(4, 4 + held.readUInt32BE(0));
          held = held.subarray(4 + message.length);
          const keyBytes = message.length > 5 ? message.readUInt32BE(1) : 0;
          socket.write(
            string(
              message[0] === 11
                ? Buffer.concat([Uint8Array.of(12, 0, 0, 0, 1), string(certificate), string(Buffer.from('ann'))])
                : message[0] === 13
                  ? Buffer.concat([
                      Uint8Array.of(14),
                      string(
                        Buffer.concat([
                          string(Buffer.from('ssh-ed25519')),
                          string(parsed.sign(message.subarray(9 + keyBytes, 9 + keyBytes + message.readUInt32BE(5 + keyBytes)))),
                        ]),
                      ),
                    ])
                  : Uint8Array.of(5),
            ),
          );
        }
      });
    });
    const path = at(`agent-${key}`);
    agent.listen(path);
    await once(agent, 'listening');
    try {
      return await ssh('-o', `IdentityAgent=${path}`);
    } finally {
      agent.close();
    }
  };
});
