/** Verifies the public log in a thread of the browser. */
import { verifyPublicLog } from '@countersign/ledger';
import { ApiProblem, askFile } from '../../api/ask.ts';
import type { Said, Wanted } from './verification.ts';

/** The gateway answers so many requests in a minute; further ones wait. */
const waitMs = 2000;

async function readLogFile(path: string): Promise<Uint8Array | undefined> {
  for (;;) {
    try {
      return await askFile('GET /log/{path}', { path: { path } });
    } catch (error) {
      if (!(error instanceof ApiProblem) || (error.code !== 'not_found' && error.code !== 'throttled')) {
        throw error;
      }
      if (error.code === 'not_found') {
        return undefined;
      }
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  }
}

async function verify({ key, checkpoint }: Wanted): Promise<void> {
  const report = await verifyPublicLog(readLogFile, {
    keys: [key],
    ...(checkpoint === null ? {} : { known: checkpoint }),
    onProgress: (progress) => say({ progress }),
  });
  say({ report });
}

function say(said: Said): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker has no origin to name
  globalThis.postMessage(said);
}

globalThis.addEventListener('message', ({ data }: MessageEvent<Wanted>) => {
  verify(data).catch((error: unknown) => say({ failure: error instanceof Error ? error.message : String(error) }));
});
