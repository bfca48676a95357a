import { randomUUID } from 'node:crypto';
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
import { commands } from '../commands.ts';
import { packetsOf } from '../packets.ts';
import { startMariadbServer, type MariadbServer } from './mariadb-server.ts';
import { executionOf, fetchOf, queryOf, RawClient, type Answer } from './raw-client.ts';

const target = 'ledger';
const readOnlyCursor = 1;

/** @public The tests find it by the protocol's id. */
export const contract: ProtocolContract = {
  transport: 'stream',
  target,
  claims: [],
  maskedWords: ['failing secret-abc123'],
  start: async () => {
    const server = await startMariadbServer();
    return {
      place: `url: "mysql://${server.user}@127.0.0.1:${server.port}/shop", password: { env: LEDGER_SECRET }`,
      environment: { LEDGER_SECRET: server.password },
      connect,
      shapes,
      entries: entriesOf(server),
      heard: (words) => server.commands.flatMap((each) => words.filter((said) => each.includes(`'${said}'`))),
      hasEnded: async (said) => server.hasEnded(said),
      [Symbol.asyncDispose]: async () => server[Symbol.asyncDispose](),
    };
  },
};

function open({ addresses, token }: Access, isEofDeprecated = false): RawClient {
  return new RawClient(addresses['mysql'] ?? '', target, token, { isEofDeprecated });
}

/** A statement that says the words. One that begins with `failing` has them in an error; the answer to one that begins with `endless` does not end. */
function statementOf(said: string): string {
  return said.startsWith('endless')
    ? `SELECT '${said}' AS said, seq FROM seq_1_to_1000000000000`
    : said.startsWith('failing')
      ? `SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '${said}'`
      : `SELECT '${said}' AS said`;
}

function connect(access: Access): Connection {
  const client = open(access);
  let turn: Promise<unknown> = client.login;
  const tell = async (said: string, before: Promise<unknown>, onBegun: () => void): Promise<Told> => {
    const payload = queryOf(statementOf(said));
    const sent = packetsOf(payload, 0);
    const login = await client.login;
    await before;
    const answer = login.isError ? login : await client.ask(payload, 'results', onBegun);
    return { isAllowed: !answer.isError, text: answer.text, sent, answered: answer.bytes };
  };
  return {
    ask: (said) =>
      asking(async (onBegun) => {
        const told = tell(said, turn, onBegun);
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

/** Every shape in which a target answers. */
const shapes: readonly AskedShape[] = [
  shape('a value of a row', 'text', async (client, words) => client.query(`SELECT '${words}' AS said`)),
  shape('a value of a row', 'binary', async (client, words) => client.execute('SELECT ? AS said', words)),
  shape('a value of a row', 'without EOF', async (client, words) => client.query(`SELECT '${words}' AS said`), true),
  shape('a value of a row', 'cursor', async (client, words) => {
    const { statement } = await client.prepare(`SELECT '${words}' AS said`);
    await client.ask(executionOf(statement, [], readOnlyCursor), 'results');
    return client.ask(fetchOf(statement, 10), 'rows', undefined, client.columns);
  }),
  shape('a value of a further result', 'text', async (client, words) => client.query(`SELECT 1 AS one; SELECT '${words}' AS said`)),
  shape('the name of a column', 'text', async (client, words) => client.query(`SELECT 1 AS \`${words}\``)),
  shape('the name of a column', 'of a statement that is prepared', async (client, words) => client.prepare(`SELECT 1 AS \`${words}\``)),
  shape('the default of a column', 'text', async (client, words) => {
    const table = `shapes_${randomUUID().replaceAll('-', '')}`;
    await client.query(`CREATE TABLE ${table} (note VARCHAR(4000) DEFAULT '${words}')`);
    return client.ask(Buffer.concat([Buffer.of(commands.fieldList), Buffer.from(`${table}\0%`)]), 'columns');
  }),
  shape('an error', 'text', async (client, words) => client.query(`SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '${words}'`)),
  shape('a text in JSON', 'text', async (client, words) => client.query(`SELECT JSON_OBJECT('note', '${words}') AS said`)),
  shape('bytes that are no text', 'text', async (client, words) => client.query(`SELECT CONCAT('${words}', X'FF') AS said`)),
];

function shape(name: string, form: string, ask: (client: RawClient, words: string) => Promise<Answer>, isEofDeprecated = false): AskedShape {
  return {
    name,
    form,
    outcome: 'masked',
    ask: async (access, words) => {
      const client = open(access, isEofDeprecated);
      const login = await client.login;
      const answer = login.isError ? login : await ask(client, words);
      client.close();
      return { bytes: answer.bytes, text: answer.text, bodies: null };
    },
  };
}

/** Every way in which a client can have something done. */
function entriesOf(server: MariadbServer): readonly Entry[] {
  const heard = (said: string): number => server.commands.filter((each) => each.includes(said)).length;
  const command = (name: string, ask: (client: RawClient, said: string) => Promise<Answer>, action: string): Entry => ({
    name,
    action,
    connect: (access) => entry(access, ask),
    heard,
  });
  return [
    command('statements', async (client, said) => client.query(`SELECT '${said}'`), 'mysql.query'),
    command('a statement that is prepared', async (client, said) => client.prepare(`SELECT '${said}'`), 'mysql.prepare'),
    command('a prepared statement', async (client, said) => client.execute('SELECT ?', said), 'mysql.execute'),
    command('the database', async (client, said) => client.ask(Buffer.concat([Buffer.of(commands.initDatabase), Buffer.from(said)]), 'done'), 'mysql.use'),
    command(
      'the columns of a table',
      async (client, said) => client.ask(Buffer.concat([Buffer.of(commands.fieldList), Buffer.from(`${said}\0%`)]), 'columns'),
      'mysql.command',
    ),
  ];
}

function entry(access: Access, ask: (client: RawClient, said: string) => Promise<Answer>): EntryConnection {
  const client = open(access);
  return {
    ask: async (said) => {
      const login = await client.login;
      const answer = login.isError ? login : await ask(client, said);
      // The target may refuse what it was asked: what counts is that it was.
      return { isAllowed: answer.text !== '' && !answer.text.includes('countersign: '), text: answer.text };
    },
    close: async () => {
      client.close();
      return Promise.resolve();
    },
  };
}
