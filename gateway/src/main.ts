/** Runs the gateway until it is told to stop. `countersign up` is the usual way to start it. */
import { Gateway } from './gateway.ts';

const [configFile = './countersign.yaml'] = process.argv.slice(2);
await using gateway = await Gateway.open({ configFile });
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void gateway.stop());
}
process.exitCode = await gateway.stopped;
