import type { Decision } from '../../domain/decision.ts';
import type { GatewayError } from '../../domain/errors.ts';
import { changeText } from '../../domain/text-change.ts';
import { pause, type Output, type Pause, type Relay } from '../relay.ts';

/** The smallest protocol: each line of the client is a request, everything from the target is a response, and `quit` ends the conversation. */
export class LineRelay implements Relay {
  readonly isFull = false;
  #fromClient = Buffer.alloc(0);
  #isAsking = false;
  #outputs: Output[] = [];
  /** How many times the relay pauses before its next output; `Infinity` after `endless` of the target. */
  #pauses = 0;

  clientBytes(bytes: Buffer): void {
    this.#fromClient = Buffer.concat([this.#fromClient, bytes]);
  }

  upstreamBytes(bytes: Buffer): void {
    if (bytes.includes('bug')) {
      throw new TypeError('a bug of ours');
    }
    this.#pauses = bytes.includes('slow') ? 3 : bytes.includes('endless') ? Infinity : this.#pauses;
    this.#say(bytes);
  }

  decided(decision: Decision): void {
    this.#isAsking = false;
    if (decision.verdict !== 'allow') {
      this.#say(Buffer.from('refused\n'));
    }
  }

  clientEnded(): void {
    this.#outputs.push({ type: 'close', reason: 'client' });
  }

  upstreamEnded(): void {
    this.#outputs.push({ type: 'close', reason: 'target' });
  }

  fail(error: GatewayError): void {
    this.#outputs = [];
    this.#pauses = 0;
    this.#isAsking = true;
    this.#say(Buffer.from(`! ${error.code}\n`));
    this.#outputs.push({ type: 'close', reason: error.code, error });
  }

  next(): Output | Pause | null {
    if (this.#pauses > 0) {
      this.#pauses -= 1;
      return pause;
    }
    const output = this.#outputs.shift();
    if (output !== undefined || this.#isAsking) {
      return output ?? null;
    }
    const end = this.#fromClient.indexOf('\n') + 1;
    if (end === 0) {
      return null;
    }
    const line = this.#fromClient.subarray(0, end);
    this.#fromClient = this.#fromClient.subarray(end);
    if (line.toString() === 'quit\n') {
      return { type: 'close', reason: 'client' };
    }
    this.#isAsking = true;
    const half = line.length >> 1;
    const request = { type: 'request', action: { name: 'test.line', attributes: {} } } as const;
    return {
      ...request,
      bytes: [line.subarray(0, half), line.subarray(half)],
      change: (change) => {
        const changed = Buffer.from(changeText(change.texts, line.toString()));
        return { ...request, bytes: [changed], relation: { change }, ...(changed.includes('\0') ? { refused: 'It has no texts.' } : {}) };
      },
    };
  }

  #say(bytes: Buffer): void {
    this.#outputs.push({ type: 'response', meta: {}, bytes: [bytes], continues: false });
  }
}
