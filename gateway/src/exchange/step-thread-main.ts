import { strict as assert } from 'node:assert';
import { parentPort } from 'node:worker_threads';
import { GatewayError } from '../domain/errors.ts';
import type { AwaitedStep } from '../domain/step.ts';
import type { Asked, Told } from './step-thread.ts';

/** The thread's side of its port. The thread runs one step after another. */
const port = parentPort;
assert(port !== null, 'this is the module of a thread');
port.on('message', (asked: Asked) => {
  void tell(asked);
});

async function tell(asked: Asked): Promise<void> {
  port?.postMessage(await take(asked));
}

async function take({ module, input }: Asked): Promise<Told> {
  try {
    const { step }: { readonly step: AwaitedStep<object, unknown> } = await import(module);
    return { output: await step.take(input) };
  } catch (error) {
    if (error instanceof GatewayError) {
      return { refused: { code: error.code, message: error.message } };
    }
    return { bug: error };
  }
}
