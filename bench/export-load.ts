/**
 * Readers of a recording: `export-load.ts URL EXPORTS` asks for a bundle so many times at once, and again whenever one is whole, until it is stopped. The
 * credential is in the environment. Prints a `WholeExport` as a line of JSON for each.
 */
import { get } from 'node:http';

export interface WholeExport {
  readonly bytes: number;
  readonly seconds: number;
}

const [url = '', exports = ''] = process.argv.slice(2);
const headers = { authorization: `Bearer ${process.env['LOAD_CREDENTIAL'] ?? ''}` };

function run(): void {
  const startedMs = performance.now();
  let bytes = 0;
  get(url, { headers, agent: false }, (response) => {
    if (response.statusCode !== 200) {
      throw new Error(`an export was answered with status ${response.statusCode}`);
    }
    response.on('data', (piece: Buffer) => {
      bytes += piece.length;
    });
    response.on('end', () => {
      const whole: WholeExport = { bytes, seconds: (performance.now() - startedMs) / 1000 };
      console.log(JSON.stringify(whole));
      run();
    });
  });
}

for (let i = 0; i < Number(exports); i++) {
  run();
}
