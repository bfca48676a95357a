import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GatewayError } from '../../domain/errors.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import type { Decision, Verdict } from '../../domain/decision.ts';
import type { Output } from '../../wire/relay.ts';
import { data, exitStatus, open, plain, request, sizeOf, strings, terminal } from './compose.ts';
import { readMessages } from './messages.ts';
import { SshRelay } from './relay.ts';

const size = { columns: 80, rows: 24, width: 0, height: 0 };
const exec = (channel: number, command: string): Buffer => request(channel, 'exec', { wantsReply: true, body: strings(command) });
const session = '0f1e2d3c4b5a69788796a5b4c3d2e1f0';

/** A relay whose requests are decided at once. `log` has what it gives, in a line for each output. */
class Tried {
  readonly log: string[] = [];
  readonly relay: SshRelay;
  readonly #verdict: (action: string) => Verdict;
  #seq = 0;

  #nowMs = 0;

  constructor({ unreached = null, verdict = () => 'allow' }: { unreached?: GatewayError | null; verdict?: (action: string) => Verdict } = {}) {
    this.#verdict = verdict;
    this.relay = new SshRelay({ session, user: 'deploy', unreached, forwards: ['db:5432'], nowMs: () => (this.#nowMs += 10) });
  }

  client(...frames: readonly Buffer[]): this {
    this.relay.clientBytes(Buffer.concat(frames));
    return this.pull();
  }

  target(...frames: readonly Buffer[]): this {
    this.relay.upstreamBytes(Buffer.concat(frames));
    return this.pull();
  }

  pull(): this {
    for (let output = this.relay.next(); output !== null; output = this.relay.next()) {
      this.#settle(output);
    }
    return this;
  }

  #settle(output: Output): void {
    const kinds = (bytes: readonly Uint8Array[]): string =>
      readMessages(bytes)
        .map((message) => (message.kind === 'request' ? message.type : 'bytes' in message ? `${message.kind}:${message.bytes.toString()}` : message.kind))
        .join(' ');
    if (output.type === 'request') {
      this.#seq += 1;
      const verdict = output.refused !== undefined ? 'deny' : output.byGateway === true ? 'allow' : this.#verdict(output.action.name);
      const partOf = output.relation?.partOf === undefined ? '' : ` of ${output.relation.partOf}`;
      this.log.push(`${verdict} ${output.action.name}${partOf}: ${kinds(output.bytes)}`);
      const decision: Decision = { verdict, policies: [], policyVersion: '', reason: output.refused ?? 'so it is', obligations: [] };
      this.relay.decided(decision, this.#seq);
    } else if (output.type === 'response') {
      const afterMs = output.meta.attributes?.[ownAttributes.durationMs];
      this.log.push(
        `to client${output.meta.request === undefined ? '' : ` of ${output.meta.request}`}: ${kinds(output.bytes)}${afterMs === undefined ? '' : ` after ${String(afterMs)} ms`}`,
      );
    } else {
      this.log.push(`close ${output.reason}`);
    }
  }
}

test('the preparation of a channel is one request with what runs in it, and nothing is forwarded before', () => {
  const tried = new Tried();
  tried.client(
    open(1),
    request(1, 'env', { wantsReply: false, body: strings('LANG', 'de') }),
    request(1, 'pty-req', { wantsReply: true, body: terminal('xterm', size) }),
  );
  assert.deepEqual(tried.log, []);
  tried.client(exec(1, 'ls'), data(1, Buffer.from('in')), request(1, 'window-change', { wantsReply: false, body: sizeOf(size) }), plain('eof', 1));
  tried.target(plain('success', 1), data(1, Buffer.from('out')), exitStatus(1, 0), plain('eof', 1), plain('close', 1));
  tried.client(plain('close', 1));
  tried.relay.clientEnded();
  assert.deepEqual(tried.pull().log, [
    'allow ssh.exec: open env pty-req exec',
    'allow ssh.input of 1: data:in',
    'allow ssh.input of 1: window-change',
    'allow ssh.input of 1: eof',
    'to client of 1: success',
    'to client of 1: data:out',
    'to client of 1: exit-status',
    'to client of 1: eof',
    'to client of 1: close after 10 ms',
    'close client',
  ]);
});

test('what is denied does not run, and what comes for it goes nowhere', () => {
  const tried = new Tried({ verdict: (action) => (action === 'ssh.exec' ? 'deny' : 'allow') });
  tried.client(open(1), exec(1, 'rm x'), data(1, Buffer.from('in')), plain('eof', 1), plain('close', 1));
  tried.target(data(1, Buffer.from('out')));
  assert.deepEqual(tried.log, [
    'deny ssh.exec: open exec',
    `to client of 1: success errorData:countersign: so it is (session ${session})\n exit-status eof close`,
  ]);
});

test('denied input ends what runs, at the target too', () => {
  const tried = new Tried({ verdict: (action) => (action === 'ssh.input' ? 'deny' : 'allow') });
  tried.client(open(1), exec(1, 'cat'), data(1, Buffer.from('in')), data(1, Buffer.from('more')));
  assert.deepEqual(tried.log, [
    'allow ssh.exec: open exec',
    'deny ssh.input of 1: data:in',
    `to client of 2: success errorData:countersign: so it is (session ${session})\n exit-status eof close`,
    'allow ssh.input of 1: close',
  ]);
});

test('nothing runs where the target is not reached', () => {
  const tried = new Tried({ unreached: new GatewayError('target_unreachable', 'It is off.') }).client(
    open(1),
    request(1, 'pty-req', { wantsReply: true, body: terminal('xterm', size) }),
    request(1, 'shell', { wantsReply: true, body: Buffer.alloc(0) }),
  );
  assert.match(tried.log.join('\n'), /^deny ssh\.shell: open pty-req shell\nto client of 1: success data:.* exit-status eof close$/s);
});

test('a second command in a channel, a message that no client sends and too long a preparation are errors', () => {
  assert.throws(() => new Tried().client(open(1), exec(1, 'ls'), exec(1, 'rm x')), { code: 'malformed' });
  assert.throws(() => new Tried().client(plain('success', 1)), { code: 'malformed' });
  const variable = request(1, 'env', { wantsReply: false, body: strings('LANG', 'x'.repeat(1000)) });
  assert.throws(() => new Tried().client(open(1), ...Array.from({ length: 70 }, () => variable)), { code: 'limit_exceeded' });
});

test('an end from outside is said in each channel in which something runs', () => {
  const tried = new Tried().client(open(1), exec(1, 'one'), open(2), exec(2, 'two'), open(3));
  tried.log.length = 0;
  tried.relay.fail(new GatewayError('halted', 'It was halted.'));
  const words = `success errorData:countersign: It was halted (session ${session})\n exit-status eof close`;
  assert.deepEqual(tried.pull().log, [`to client of 1: ${words}`, `to client of 2: ${words}`, 'close halted']);
});

test('a channel that is closed before anything runs there leaves nothing, and the number of open ones is limited', () => {
  const tried = new Tried();
  for (let channel = 1; channel <= 1000; channel += 1) {
    tried.client(open(channel), request(channel, 'env', { wantsReply: false, body: strings('LANG', 'de') }), plain('close', channel));
  }
  // Nothing runs in a channel that was closed.
  assert.deepEqual(tried.client(exec(1000, 'ls')).log, []);
  for (let channel = 1001; channel <= 1128; channel += 1) {
    tried.client(open(channel));
  }
  assert.throws(() => tried.client(open(1129)), { code: 'limit_exceeded' });
});

test('a denied command ends its channel alone', () => {
  const tried = new Tried({ verdict: (action) => (tried.log.length > 0 && action === 'ssh.exec' ? 'deny' : 'allow') });
  tried.client(open(1), exec(1, 'cat'), open(2), exec(2, 'rm x'), data(1, Buffer.from('in')), data(2, Buffer.from('lost')));
  tried.target(plain('success', 1), data(1, Buffer.from('out')), exitStatus(1, 0), plain('eof', 1), plain('close', 1));
  assert.deepEqual(
    tried.log.map((line) => line.replace(/errorData:.*? exit/s, 'errorData exit')),
    [
      'allow ssh.exec: open exec',
      'deny ssh.exec: open exec',
      'to client of 2: success errorData exit-status eof close',
      'allow ssh.input of 1: data:in',
      'to client of 1: success',
      'to client of 1: data:out',
      'to client of 1: exit-status',
      'to client of 1: eof',
      'to client of 1: close after 10 ms',
    ],
  );
});
