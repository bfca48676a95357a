import { json } from 'node:stream/consumers';
import { openServer, type SampleServer } from './sample-server.ts';

/** Starts an HTTP API that accepts mail from callers that send its key. */
export async function openSampleMail(key: string): Promise<SampleServer> {
  let taken = 0;
  return openServer(async (request, response) => {
    if (request.headers.authorization !== `Bearer ${key}` || request.method !== 'POST') {
      response.writeHead(401).end();
      return;
    }
    await json(request);
    taken += 1;
    response.writeHead(202, { 'content-type': 'application/json' }).end(JSON.stringify({ mail: taken, state: 'queued' }));
  });
}

/** Starts an HTTP API somewhere else that says of every address that it takes mail. */
export async function openSampleChecker(): Promise<SampleServer> {
  return openServer(async (request, response) => {
    await json(request);
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ takesMail: true }));
  });
}
