import {
  asking,
  type Access,
  type AskedShape,
  type Connection,
  type Entry,
  type EntryConnection,
  type ProtocolContract,
  type Told,
} from '../../../../../tests/support/contract.ts';
import { command } from '../compose.ts';
import { RawClient, type Reply } from './raw-client.ts';
import { startRedisServer, type RedisServer } from './redis-server.ts';

const target = 'cache';

/** @public The tests find it by the protocol's id. */
export const contract: ProtocolContract = {
  transport: 'stream',
  target,
  claims: [],
  maskedWords: ['failing secret-abc123'],
  start: async () => {
    const server = await startRedisServer();
    return {
      place: `url: "redis://${server.user}@127.0.0.1:${server.port}/0", password: { env: REDIS_SECRET }`,
      environment: { REDIS_SECRET: server.password },
      connect,
      shapes,
      entries: entriesOf(server),
      heard: (words) => server.commands.flatMap((each) => words.filter((said) => each.endsWith(said))),
      hasEnded: (said) => server.hasEnded(said),
      [Symbol.asyncDispose]: async () => server[Symbol.asyncDispose](),
    };
  },
};

/** A command that says the words. One that begins with `failing` has them in an error; the answer to one that begins with `endless` does not end. */
function commandOf(said: string): Buffer {
  return said.startsWith('endless') ? command('SUBSCRIBE', said) : said.startsWith('failing') ? command(said) : command('ECHO', said);
}

/** Logs in. The words of the gateway are those of its messages, and of a login that it refuses. */
async function logIn(client: RawClient, token: string, version: '2' | '3'): Promise<Reply | null> {
  return version === '3' ? client.ask('HELLO', '3', 'AUTH', target, token) : client.ask('AUTH', target, token);
}

interface Answer {
  readonly isAllowed: boolean;
  /** The notices of the gateway, and the reply. */
  readonly text: string;
  readonly bytes: Buffer;
}

/** Waits for the answer behind the notices of the gateway. */
async function answerOf(client: RawClient): Promise<Answer> {
  const notices: string[] = [];
  for (let reply = await client.reply(); reply !== null; reply = await client.reply()) {
    if (reply.type !== '>' || !reply.text.startsWith('countersign\n')) {
      const isError = reply.type === '-' || reply.type === '!';
      return { isAllowed: !isError, text: [...notices, reply.text].join('\n'), bytes: reply.bytes };
    }
    notices.push(reply.text);
  }
  return { isAllowed: false, text: notices.join('\n'), bytes: Buffer.alloc(0) };
}

function connect({ addresses, token }: Access): Connection {
  const client = new RawClient(addresses['redis'] ?? '');
  const login = logIn(client, token, '3');
  let turn: Promise<unknown> = login;
  const tell = async (said: string, sent: Buffer, before: Promise<unknown>, onBegun: () => void): Promise<Told> => {
    const greeting = await login;
    if (greeting === null || greeting.type === '-') {
      return { isAllowed: false, text: greeting?.text ?? '', sent, answered: Buffer.alloc(0) };
    }
    client.send(sent);
    await before;
    let { isAllowed, text, bytes } = await answerOf(client);
    onBegun();
    if (said.startsWith('endless') && isAllowed) {
      // Its end is an error, or the end of the connection.
      ({ isAllowed, text, bytes } = await answerOf(client));
    }
    return { isAllowed, text, sent, answered: bytes };
  };
  return {
    ask: (said) =>
      asking(async (onBegun) => {
        const told = tell(said, commandOf(said), turn, onBegun);
        turn = told;
        return told;
      }),
    close: async () => {
      client.close();
      return Promise.resolve();
    },
    leave: () => {
      client.leave();
    },
  };
}

/** Every shape in which a target answers. Each asks for it with some commands, of which the last has the words in its answer. */
const shapes: readonly AskedShape[] = [
  shape('a string', '2', (words) => [['ECHO', words]]),
  shape('a string', '3', (words) => [['ECHO', words]]),
  shape('a line', '2', (words) => [['EVAL', 'return {ok=ARGV[1]}', '0', words]]),
  shape('an error', '2', (words) => [['EVAL', 'return {err="ERR " .. ARGV[1]}', '0', words]]),
  shape('elements of a list', '2', (words) => [
    ['DEL', 'shape-list'],
    ['RPUSH', 'shape-list', words, 'other', words],
    ['LRANGE', 'shape-list', '0', '-1'],
  ]),
  shape('fields and values of a map', '3', (words) => [
    ['DEL', 'shape-map'],
    ['HSET', 'shape-map', words, words],
    ['HGETALL', 'shape-map'],
  ]),
  shape('members of a set', '3', (words) => [
    ['DEL', 'shape-set'],
    ['SADD', 'shape-set', words],
    ['SMEMBERS', 'shape-set'],
  ]),
  shape('a text in JSON', '2', (words) => [['ECHO', JSON.stringify({ note: words })]]),
  shape('a string that is no text', '2', (words) => [['EVAL', 'return ARGV[1] .. "\\255"', '0', words]]),
  shape('answers of a transaction', '2', (words) => [['MULTI'], ['ECHO', words], ['EXEC']]),
  shape('a message that was published', '3', (words) => [['SUBSCRIBE', 'shape-news'], ['PUBLISH', 'shape-news', words], []]),
];

function shape(name: string, version: '2' | '3', commands: (words: string) => readonly (readonly string[])[]): AskedShape {
  return {
    name,
    form: `RESP${version}`,
    outcome: 'masked',
    ask: async ({ addresses, token }, words) => {
      const client = new RawClient(addresses['redis'] ?? '');
      await logIn(client, token, version);
      let last = null as Reply | null;
      for (const each of commands(words)) {
        const reply: Reply | null = each.length === 0 ? await client.reply() : await client.ask(...each);
        // A message may come before the answer to who published it, or behind.
        last = last?.text.startsWith('message\n') === true ? last : reply;
      }
      client.close();
      const bytes = last?.bytes ?? Buffer.alloc(0);
      return { bytes, text: last?.text ?? '', bodies: null };
    },
  };
}

/** Every way in which a client can have something done. */
function entriesOf(server: RedisServer): readonly Entry[] {
  const heard = (said: string): number => server.commands.filter((each) => each.includes(said)).length;
  return [
    { name: 'a command', connect: (access) => entry(access, '3', (said) => [command('SET', said, said)]), heard },
    { name: 'a line', connect: (access) => entry(access, '2', (said) => [`SET "${said}" ${said}\r\n`]), heard },
    {
      name: 'a command of a transaction',
      action: 'redis.command',
      connect: (access) => entry(access, '2', (said) => [command('MULTI'), command('INCR', said), command('EXEC')]),
      // A command that is queued has not been carried out.
      heard: async (said) => Number(/\$\d+\r\n(\d+)\r\n/.exec(await server.ask(`GET ${said}`))?.[1] ?? 0),
    },
    { name: 'a script', action: 'redis.script', connect: (access) => entry(access, '2', (said) => [command('EVAL', 'return ARGV[1]', '0', said)]), heard },
    { name: 'a subscription', action: 'redis.subscribe', connect: (access) => entry(access, '3', (said) => [command('SUBSCRIBE', said)]), heard },
  ];
}

function entry({ addresses, token }: Access, version: '2' | '3', commands: (said: string) => readonly (Buffer | string)[]): EntryConnection {
  const client = new RawClient(addresses['redis'] ?? '');
  const login = logIn(client, token, version);
  return {
    ask: async (said) => {
      const greeting = await login;
      if (greeting === null || greeting.type === '-') {
        return { isAllowed: false, text: greeting?.text ?? '' };
      }
      const texts: string[] = [];
      let isAllowed = true;
      for (const each of commands(said)) {
        client.send(each);
        const answer = await answerOf(client);
        texts.push(answer.text);
        isAllowed &&= answer.isAllowed;
      }
      return { isAllowed, text: texts.join('\n') };
    },
    close: async () => {
      client.close();
      return Promise.resolve();
    },
  };
}
