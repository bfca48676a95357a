/** A server of standard input and output that is a client of the HTTP server in its arguments: each event of an answer becomes a notification, unless it is a message of MCP. */
import { createInterface } from 'node:readline';

const [, , url = ''] = process.argv;
const underWay = new Map<string, AbortController>();
const say = (message: object): void => {
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
};

async function answer(line: string, id: unknown): Promise<void> {
  const ended = new AbortController();
  underWay.set(JSON.stringify(id), ended);
  try {
    const response = await fetch(url, { method: 'POST', body: line, signal: ended.signal });
    let rest = '';
    let isAnswered = false;
    const decoder = new TextDecoder();
    for await (const piece of response.body ?? []) {
      const events = (rest + decoder.decode(piece, { stream: true })).split('\n\n');
      rest = events.pop() ?? '';
      for (const event of events) {
        if (event.startsWith('{"jsonrpc"')) {
          process.stdout.write(`${event}\n`);
          isAnswered ||= event.includes('"result"') || event.includes('"error"');
          continue;
        }
        say({ method: 'notifications/message', params: { level: 'info', data: event } });
      }
    }
    if (!isAnswered) {
      say({ id, result: { content: [] } });
    }
  } catch {
    // The request was cancelled, or the other server left.
  }
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params }: { id?: unknown; method: string; params?: { requestId?: unknown } } = JSON.parse(line);
  if (method === 'notifications/cancelled') {
    underWay.get(JSON.stringify(params?.requestId))?.abort();
  } else if (id !== undefined) {
    void answer(line, id);
  }
});
