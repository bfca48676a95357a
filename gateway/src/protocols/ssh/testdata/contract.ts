import { hash } from 'node:crypto';
import { connect as dial } from 'node:net';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ssh2, { type ClientChannel, type ExecOptions, type SFTPWrapper } from 'ssh2';
import {
  asking,
  type Access,
  type AskedShape,
  type Connection,
  type Entry,
  type EntryConnection,
  type ProtocolContract,
  type ShapedAnswer,
  type Told,
} from '../../../../../tests/support/contract.ts';
import { requireProgram } from '../../../../../tests/support/require-program.ts';
import { data, exitStatus, plain, strings } from '../compose.ts';
import { PatientSocket } from './patient.ts';
import { sftpServer, startCommandServer, type CommandServer } from './command-server.ts';

const target = 'shell';

/** @public The tests find it by the protocol's id. */
export const contract: ProtocolContract = {
  transport: 'stream',
  target,
  claims: ['software=ssh2js1.17.0'],
  maskedWords: ['failing secret-abc123'],
  start: async () => {
    const server = await startCommandServer();
    const hasSftp = requireProgram(sftpServer).skip === undefined;
    return {
      place: `url: "ssh://deploy@127.0.0.1:${server.port}", password: { env: SHELL_SECRET }, options: { hostKeys: ["${server.hostKey}"], forwards: any }`,
      environment: { SHELL_SECRET: server.password },
      connect,
      shapes: [...shapes, ...(hasSftp ? sftpShapes(server) : [])],
      entries: [...entriesOf(server), ...(hasSftp ? sftpEntries(server) : [])],
      heard: (words) => server.commands.flatMap((command) => words.filter((said) => command.includes(`'${said}'`))),
      hasEnded: (said) => server.hasEnded(said),
      [Symbol.asyncDispose]: async () => server[Symbol.asyncDispose](),
    };
  },
};

/** A command that says the words. One that begins with `failing` says them on its standard error, and fails; one that begins with `endless` does not end. */
function commandOf(said: string): string {
  const [how] = said.split(' ', 1);
  return how === 'endless' ? `while printf '%s\\n' '${said}'; do sleep 0.05; done` : `printf '%s\\n' '${said}'${how === 'failing' ? ' >&2; exit 3' : ''}`;
}

interface Ran {
  readonly code: number | null;
  readonly out: Buffer;
  readonly err: Buffer;
}

/** A connection of ssh2 to the gateway. */
class Client {
  readonly #client = new ssh2.Client();
  readonly #ready: Promise<void>;
  /** The words of the gateway during the login. */
  words = '';

  constructor({ addresses, token }: Access) {
    const [host = '', port = ''] = (addresses['ssh'] ?? '').split(':');
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#ready = promise;
    promise.catch(() => undefined);
    this.#client.once('ready', resolve);
    this.#client.on('banner', (words) => (this.words += words));
    this.#client.on('error', reject);
    this.#client.once('close', () => {
      reject(new Error('the connection was closed'));
    });
    this.#client.connect({ sock: new PatientSocket(dial({ host, port: Number(port) })), username: target, password: token, readyTimeout: 0 });
  }

  /** Runs a command. Rejects if the connection ends before it has begun. */
  async run(command: string, options: ExecOptions & { readonly input?: string; readonly onBegun?: () => void } = {}): Promise<Ran> {
    await this.#ready;
    const { input = '', onBegun, ...more } = options;
    return new Promise((resolve, reject) => {
      this.#client.once('close', () => {
        reject(new Error('the connection was closed'));
      });
      this.#client.exec(command, more, (error: Error | undefined, stream: ClientChannel) => {
        if (error !== undefined) {
          reject(error);
          return;
        }
        const out: Buffer[] = [];
        const err: Buffer[] = [];
        let code: number | null = null;
        stream.on('data', (bytes: Buffer) => {
          out.push(bytes);
          onBegun?.();
        });
        stream.stderr.on('data', (bytes: Buffer) => err.push(bytes));
        stream.on('exit', (exit: number | null) => (code = exit));
        stream.on('close', () => {
          resolve({ code, out: Buffer.concat(out), err: Buffer.concat(err) });
        });
        stream.end(input);
      });
    });
  }

  /** Has the target connect to a host. Resolves with what comes from there. Rejects if there is no connection. */
  async forward(host: string): Promise<Buffer> {
    await this.#ready;
    return new Promise((resolve, reject) => {
      this.#client.once('close', () => {
        reject(new Error('the connection was closed'));
      });
      this.#client.forwardOut('127.0.0.1', 0, host, 1, (error: Error | undefined, stream: ClientChannel) => {
        if (error !== undefined) {
          reject(error);
          return;
        }
        const out: Buffer[] = [];
        stream.on('data', (bytes: Buffer) => out.push(bytes));
        stream.on('error', reject);
        stream.on('close', () => {
          resolve(Buffer.concat(out));
        });
        stream.on('end', () => stream.end());
      });
    });
  }

  /** Speaks SFTP in a channel of its own. Rejects with what the server of SFTP says, or if the connection ends. */
  async sftp<Result>(act: (sftp: SFTPWrapper, done: (error: Error | null | undefined, result?: Result) => void) => void): Promise<Result | undefined> {
    await this.#ready;
    return new Promise((resolve, reject) => {
      this.#client.once('close', () => {
        reject(new Error('the connection was closed'));
      });
      this.#client.sftp((error, sftp) => {
        if (error !== undefined) {
          reject(error);
          return;
        }
        sftp.on('close', () => {
          reject(new Error('SFTP was closed'));
        });
        act(sftp, (failure, result) => {
          sftp.end();
          if (failure instanceof Error) {
            reject(failure);
          } else {
            resolve(result);
          }
        });
      });
    });
  }

  close(): void {
    this.#client.end();
  }

  leave(): void {
    this.#client.destroy();
  }
}

/** Runs one command after the other. */
function connect(access: Access): Connection {
  const client = new Client(access);
  let turn: Promise<unknown> = Promise.resolve();
  const tell = async (said: string, onBegun: () => void): Promise<Told> => {
    const command = commandOf(said);
    const sent = strings(command);
    try {
      const { code, out, err } = await client.run(command, { onBegun });
      const answered = Buffer.concat([
        ...(out.length > 0 && err.length === 0 ? [data(1, out)] : []),
        exitStatus(1, code ?? 0),
        plain('eof', 1),
        plain('close', 1),
      ]);
      return { isAllowed: code === 0, text: out.toString() + err.toString(), sent, answered };
    } catch {
      return { isAllowed: false, text: client.words, sent, answered: Buffer.alloc(0) };
    }
  };
  return {
    ask: (said) =>
      asking(async (onBegun) => {
        const before = turn;
        const told = before.then(async () => tell(said, onBegun));
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
  shape('standard output', 'masked', (words) => `printf '%s\\n' '${words} ${words}'`),
  shape('standard error', 'masked', (words) => `printf '%s\\n' '${words}' >&2`),
  shape('output that is no text', 'refused', (words) => `printf '%s \\377\\n' '${words}'`),
  {
    name: 'a forward',
    outcome: 'refused',
    ask: async (access, words): Promise<ShapedAnswer> => {
      const client = new Client(access);
      const bytes = await client.forward(words).catch(() => Buffer.alloc(0));
      client.close();
      return { bytes, text: bytes.toString(), bodies: null };
    },
  },
  { ...shape('a terminal', 'masked', (words) => `printf '%s\\n' '${words}'`, { pty: true }), keepsColumns: true },
];

function shape(name: string, outcome: AskedShape['outcome'], command: (words: string) => string, options: ExecOptions = {}): AskedShape {
  return {
    name,
    outcome,
    ask: async (access, words): Promise<ShapedAnswer> => {
      const client = new Client(access);
      const { out, err } = await client.run(command(words), options).catch(() => ({ out: Buffer.alloc(0), err: Buffer.alloc(0) }));
      client.close();
      const bytes = Buffer.concat([out, err]);
      return { bytes, text: bytes.toString(), bodies: null };
    },
  };
}

/** The shapes of SFTP with values in them. What they are about is put into the directory of the server beforehand. */
function sftpShapes({ directory }: CommandServer): readonly AskedShape[] {
  const shapeOf = (
    name: string,
    prepare: (words: string) => void,
    ask: (sftp: SFTPWrapper, done: (error: Error | null | undefined, text?: string) => void) => void,
  ): AskedShape => ({
    name,
    outcome: 'refused',
    ask: async (access, words): Promise<ShapedAnswer> => {
      prepare(words);
      const client = new Client(access);
      const text = await client.sftp<string>(ask).catch(() => '');
      client.close();
      return { bytes: Buffer.from(text ?? ''), text: text ?? '', bodies: null };
    },
  });
  return [
    shapeOf(
      'a file over SFTP',
      (words) => {
        writeFileSync(join(directory, 'shaped'), `${words}\n`);
      },
      (sftp, done) => {
        sftp.readFile('shaped', (error, bytes) => {
          done(error, bytes?.toString());
        });
      },
    ),
    shapeOf(
      'the names in a directory over SFTP',
      (words) => {
        mkdirSync(join(directory, 'names'), { recursive: true });
        writeFileSync(join(directory, 'names', words), '');
      },
      (sftp, done) => {
        sftp.readdir('names', (error, names) => {
          done(error, names?.map(({ filename }) => filename).join('\n'));
        });
      },
    ),
  ];
}

/** Every way in which a client can have something done over SFTP. */
function sftpEntries(server: CommandServer): readonly Entry[] {
  const entryOf =
    (act: (sftp: SFTPWrapper, said: string, done: (error: Error | null | undefined) => void) => void) =>
    (access: Access): EntryConnection => {
      const client = new Client(access);
      return {
        ask: async (said) => {
          try {
            await client.sftp<never>((sftp, done) => {
              act(sftp, said, done);
            });
            return { isAllowed: true, text: '' };
          } catch (error) {
            return { isAllowed: false, text: `${client.words}${error instanceof Error ? error.message : ''}` };
          }
        },
        close: async () => {
          client.close();
          return Promise.resolve();
        },
      };
    };
  return [
    {
      name: 'an operation of SFTP',
      action: 'ssh.sftp.mkdir',
      connect: entryOf((sftp, said, done) => {
        sftp.mkdir(said, done);
      }),
      heard: (said) => server.operations().split(`mkdir name "${said}"`).length - 1,
    },
    {
      name: 'bytes for a file over SFTP',
      action: 'ssh.sftp.write',
      connect: entryOf((sftp, said, done) => {
        sftp.writeFile(`written-${hash('sha256', said)}`, said, done);
      }),
      heard: (said) =>
        readdirSync(server.directory).filter((name) => name.startsWith('written-') && readFileSync(join(server.directory, name), 'utf8').includes(said)).length,
    },
  ];
}

/** Every way in which a client can have something done. */
function entriesOf(server: CommandServer): readonly Entry[] {
  const ran = (said: string): number => server.commands.filter((command) => command.includes(said)).length;
  return [
    { name: 'a command', connect: (access) => entry(access, async (client, said) => client.run(`printf '%s' '${said}'`)), heard: ran },
    {
      name: 'a command with a terminal',
      connect: (access) => entry(access, async (client, said) => client.run(`printf '%s' '${said}'`, { pty: true })),
      heard: ran,
    },
    {
      name: 'a variable',
      action: 'ssh.exec',
      connect: (access) => entry(access, async (client, said) => client.run('true', { env: { LANG: said } })),
      heard: ran,
    },
    {
      name: 'a forward',
      action: 'ssh.forward',
      isSilent: true,
      connect: (access) =>
        entry(access, async (client, said) => {
          const out = await client.forward(said);
          return { code: out.includes(said) ? 0 : 1, out, err: Buffer.alloc(0) };
        }),
      heard: (said) => server.places.filter((place) => place.includes(said)).length,
    },
    {
      name: 'input',
      action: 'ssh.input',
      isPart: true,
      connect: (access) => entry(access, async (client, said) => client.run('cat', { input: said })),
      heard: (said) => server.input().split(said).length - 1,
    },
  ];
}

function entry(access: Access, run: (client: Client, said: string) => Promise<Ran>): EntryConnection {
  const client = new Client(access);
  return {
    ask: async (said) => {
      try {
        const { code, out, err } = await run(client, said);
        return { isAllowed: code === 0, text: out.toString() + err.toString() };
      } catch {
        return { isAllowed: false, text: client.words };
      }
    },
    close: async () => {
      client.close();
      return Promise.resolve();
    },
  };
}
