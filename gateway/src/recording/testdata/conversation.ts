import { randomBytes, randomInt } from 'node:crypto';

const words = Array.from({ length: 2000 }, () => randomBytes(randomInt(1, 6)).toString('hex'));

export function text(bytes: number): string {
  let made = '';
  while (made.length < bytes) {
    made += `${words[Math.floor(words.length * Math.random() ** 2)]} `;
  }
  return made.slice(0, bytes);
}

/** The requests that an agent sends to a model in this many turns. Each holds the whole conversation, followed by its tools. */
export function* conversation(turns: number): Generator<Buffer> {
  const messages: object[] = [{ role: 'system', content: text(6000) }];
  const tools = Array.from({ length: 20 }, (_, i) => ({ type: 'function', function: { name: `tool_${i}`, description: text(300) } }));
  for (let turn = 0; turn < turns; turn++) {
    messages.push({ role: 'user', content: text(randomInt(20, 3000)) });
    yield Buffer.from(JSON.stringify({ model: 'm', messages, tools, stream: true }));
    const id = `call_${randomBytes(8).toString('hex')}`;
    messages.push({ role: 'assistant', content: null, tool_calls: [{ id, type: 'function', function: { name: 'tool_1', arguments: text(100) } }] });
    messages.push({ role: 'tool', tool_call_id: id, content: text(randomInt(2000)) });
  }
}
