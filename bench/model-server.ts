/**
 * A model server that answers at once, in the shape of Chat Completions: what is measured is everything else. If the request has the word `whom`, the answer has an
 * e-mail address and the number of a phone. `model-server.ts PORT`
 */
import { createServer } from 'node:http';

const [port = ''] = process.argv.slice(2);
const chunks = 20;
const plainPieces: readonly string[] = Array.from({ length: chunks }, () => 'word ');
const piecesWithValues: readonly string[] = 'Write |to |j|ane.|doe|@example|.com |or |call |+1 |555|-555|-0123|, |please |do |so |in |this |week.'.split('|');
const usage = { prompt_tokens: 21, completion_tokens: chunks, total_tokens: 21 + chunks };
const wholeOf = (pieces: readonly string[]): Buffer =>
  Buffer.from(
    JSON.stringify({
      id: 'chatcmpl-bench',
      object: 'chat.completion',
      created: 1_790_000_000,
      model: 'bench-1',
      choices: [{ index: 0, message: { role: 'assistant', content: pieces.join('').trim() }, finish_reason: 'stop' }],
      usage,
    }),
  );
const streamedOf = (pieces: readonly string[]): Buffer =>
  Buffer.from(
    [
      ...pieces.map((content) => chunk({ choices: [{ index: 0, delta: { content }, finish_reason: null }] })),
      chunk({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], usage }),
      'data: [DONE]\n\n',
    ].join(''),
  );

function chunk(fields: object): string {
  return `data: ${JSON.stringify({ id: 'chatcmpl-bench', object: 'chat.completion.chunk', created: 1_790_000_000, model: 'bench-1', ...fields })}\n\n`;
}

const [plain, withValues] = [plainPieces, piecesWithValues].map((pieces) => ({ whole: wholeOf(pieces), streamed: streamedOf(pieces) }));

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  let body = '';
  request.setEncoding('latin1');
  request.on('data', (piece: string) => {
    body += piece;
  });
  request.on('end', () => {
    const answer = body.includes('whom') ? withValues : plain;
    if (body.includes('"stream":true')) {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(answer?.streamed);
    } else {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': answer?.whole.length });
      response.end(answer?.whole);
    }
  });
});
server.listen(Number(port), '127.0.0.1');
