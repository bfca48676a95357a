import assert from 'node:assert/strict';
import { request } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type pg from 'pg';
import type { Access, Entry, EntryConnection } from '../../../../../tests/support/contract.ts';
import { waitUntil } from '../../../../../tests/support/wait-until.ts';
import { Inbox } from '../../../wire/testdata/sockets.ts';
import { cancelRequest, simpleQuery, sync } from '../compose.ts';
import { int16, int32, isReady, message, openPlain, Talk } from './talk.ts';

/** The server as entries need it: with a client that is not led through the gateway, and its log. */
export interface EntryServer {
  readonly target: string;
  readonly operator: pg.Client;
  readonly log: () => string;
}

const failed = /S(?:ERROR|FATAL)\0/;
/** SQLSTATE of an error about a table that is not there. */
const undefinedTable = 'C42P01\0';
/** SQLSTATE of a statement that was cancelled. */
const cancelled = 'C57014\0';

type Answer = Awaited<ReturnType<EntryConnection['ask']>>;

/** Makes what the entries need at the server, and the entries. The words of a request are a row of the table `kept`, if the request keeps anything. */
export async function makeEntries({ target, operator, log }: EntryServer): Promise<readonly Entry[]> {
  await operator.query('create table kept (said text)');
  const { rows } = await operator
    .query("create function keep(text) returns int language sql as 'insert into kept values ($1) returning 1'; select 'keep'::regproc::oid as oid")
    .then((results: unknown) => (Array.isArray(results) ? results.at(-1) : results));
  const keepId: number = rows[0].oid;
  const kept = async (said: string): Promise<number> => (await operator.query('select count(*)::int as count from kept where said = $1', [said])).rows[0].count;
  const logged = (words: string): number => log().split(words).length - 1;
  const insert = (said: string): string => `insert into kept values ('${said}')`;
  const cancels = new Set<string>();
  const talking = (tell: (talk: Talk, said: string) => Promise<Answer>, open: (access: Access, target: string) => Promise<Socket> = openPlain) => ({
    connect: (access: Access) => lasting(async () => Talk.open(await open(access, target), { token: open === openTunnel ? null : access.token, target }), tell),
    heard: kept,
  });
  const copy = async (talk: Talk, said: string): Promise<Answer> => {
    const begun = await talk.say(simpleQuery('copy kept from stdin'), (text) => isReady(text) || /G\0\0\0[^]{4}\0/.test(text));
    return isReady(begun) || failed.test(begun)
      ? answerOf(begun)
      : answerOf(await talk.say(Buffer.concat([message('d', Buffer.from(`${said}\n`)), message('c')])));
  };
  return [
    { name: 'a simple query', ...talking(async (talk, said) => answerOf(await talk.say(simpleQuery(insert(said))))) },
    { name: 'a simple query through a tunnel', ...talking(async (talk, said) => answerOf(await talk.say(simpleQuery(insert(said)))), openTunnel) },
    { name: 'a statement with its parameters', ...talking(async (talk, said) => answerOf(await talk.say(Buffer.concat(executing(said))))) },
    {
      name: 'a statement that is only prepared',
      ...talking(async (talk, said) => {
        const text = await talk.say(Buffer.concat([parse(`select from "${said}"`), sync]));
        return text.includes(undefinedTable) ? { isAllowed: true, text } : answerOf(text);
      }),
      heard: (said) => logged(`relation "${said}" does not exist`),
    },
    { name: 'COPY', action: 'postgres.query', ...talking(copy) },
    { name: 'COPY data', action: 'postgres.copy', isPart: true, ...talking(copy) },
    {
      name: 'a function that is called by its id',
      ...talking(async (talk, said) => {
        const words = Buffer.from(said);
        return answerOf(await talk.say(message('F', int32(keepId), int16(1), int16(0), int16(1), int32(words.length), words, int16(0))));
      }),
    },
    {
      name: 'a setting at the login',
      connect: (access) => ({
        ask: async (said) => {
          const talk = await Talk.open(await openPlain(access), { token: access.token, target, more: { application_name: said } });
          const { text } = talk;
          talk.close();
          return answerOf(text);
        },
        close: async () => Promise.resolve(),
      }),
      heard: (said) => logged(`database=postgres application_name=${said}`),
    },
    {
      name: 'a cancel of what runs',
      action: 'postgres.cancel',
      isSilent: true,
      isDoneByHalt: true,
      connect: (access) =>
        lasting(
          async () => Talk.open(await openPlain(access), { token: access.token, target }),
          async (talk, said) => {
            const lock = cancels.size + 1;
            cancels.add(said);
            await operator.query('select pg_advisory_lock($1)', [lock]);
            const running = talk.say(simpleQuery(`select pg_advisory_lock(${lock}), '${said}'`));
            const isRunning = async (): Promise<boolean> =>
              (await operator.query("select from pg_locks where locktype = 'advisory' and not granted and objid = $1", [lock])).rowCount === 1 || talk.isEnded;
            await waitUntil(isRunning);
            const socket = await openPlain(access);
            socket.end(cancelRequest(talk.key));
            await new Inbox(socket).untilEnd();
            // The target has seen the request to cancel, if it was let through, so the statement ends by it or not at all before the lock is given.
            await operator.query('select pg_advisory_unlock($1)', [lock]);
            const text = await running;
            await talk.say(simpleQuery('select pg_advisory_unlock_all()'));
            return { isAllowed: text.includes(cancelled), text };
          },
        ),
      heard: (said) =>
        log()
          .split('\n')
          .filter((line, i, lines) => line.includes('canceling statement') && lines[i + 1]?.includes(said) === true).length,
    },
  ];
}

/** A connection that opens when the first request is sent. If it cannot be opened, or is closed, each request is told the last words. */
function lasting(open: () => Promise<Talk>, tell: (talk: Talk, said: string) => Promise<Answer>): EntryConnection {
  let opening: Promise<Talk> | null = null;
  return {
    ask: async (said) => {
      opening ??= open();
      try {
        const talk = await opening;
        return talk.isEnded ? { ...answerOf(talk.text), isAllowed: false } : await tell(talk, said);
      } catch (error) {
        return { isAllowed: false, text: String(error) };
      }
    },
    close: async () => {
      (await opening)?.close();
    },
  };
}

function answerOf(text: string): Answer {
  return { isAllowed: isReady(text) && !failed.test(text), text };
}

/** Opens a connection as `countersign connect` does. */
async function openTunnel({ addresses, token }: Access, target: string): Promise<Socket> {
  const upgrade = request(`http://${addresses['http']}/api/v1/connect/${target}`, {
    headers: { connection: 'upgrade', upgrade: 'countersign-tunnel', authorization: `Bearer ${token}` },
  });
  upgrade.end();
  const socket = await new Promise<Duplex>((resolve, reject) => {
    upgrade.once('upgrade', (_response, upgraded) => {
      resolve(upgraded);
    });
    upgrade.once('response', ({ statusCode }) => {
      reject(new Error(`the gateway answers ${statusCode}`));
    });
    upgrade.once('error', reject);
  });
  assert.ok(socket instanceof Socket);
  socket.on('error', () => undefined);
  return socket;
}

function parse(sql: string): Buffer {
  return message('P', Buffer.from(`\0${sql}\0`), int16(0));
}

/** Parse, Bind, Execute and Sync of a statement that has the words as its parameter. */
function executing(said: string): readonly Buffer[] {
  const words = Buffer.from(said);
  const bind = message('B', Buffer.from('\0\0'), int16(0), int16(1), int32(words.length), words, int16(0));
  return [parse('insert into kept values ($1)'), bind, message('E', Buffer.from('\0'), int32(0)), sync];
}
