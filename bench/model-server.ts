/** A model server that answers at once, in the shape of Chat Completions: what is measured is everything else. `model-server.ts PORT` */
import { createServer } from 'node:http';

const [port = ''] = process.argv.slice(2);
const chunks = 20;
const usage = { prompt_tokens: 21, completion_tokens: chunks, total_tokens: 21 + chunks };
const whole = Buffer.from(
  JSON.stringify({
    id: 'chatcmpl-bench',
    object: 'chat.completion',
    created: 1_790_000_000,
    model: 'bench-1',
    choices: [{ index: 0, message: { role: 'assistant', content: 'word '.repeat(chunks).trim() }, finish_reason: 'stop' }],
    usage,
  }),
);
const streamed = Buffer.from(
  [
    ...Array.from({ length: chunks }, () => chunk({ choices: [{ index: 0, delta: { content: 'word ' }, finish_reason: null }] })),
    chunk({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], usage }),
    'data: [DONE]\n\n',
  ].join(''),
);

function chunk(fields: object): string {
  return `data: ${JSON.stringify({ id: 'chatcmpl-bench', object: 'chat.completion.chunk', created: 1_790_000_000, model: 'bench-1', ...fields })}\n\n`;
}

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  let body = '';
  request.setEncoding('latin1');
  request.on('data', (piece: string) => {
    body += piece;
  });
  request.on('end', () => {
    if (body.includes('"stream":true')) {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(streamed);
    } else {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': whole.length });
      response.end(whole);
    }
  });
});
server.listen(Number(port), '127.0.0.1');
