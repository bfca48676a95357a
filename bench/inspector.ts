import { once } from 'node:events';
import { freePort } from '../cli/src/demo/free-port.ts';

/** A thread of a process under inspection. */
export interface InspectedThread {
  readonly name: string;
  /** Calls a method of V8's inspector (chromedevtools.github.io/devtools-protocol/v8) and resolves with its result. Rejects with the method's error. */
  send<Result>(method: string, parameters?: object): Promise<Result>;
}

export interface Inspected extends Disposable {
  /** The main thread and, behind it, the workers that ran when the inspection began. */
  readonly threads: readonly [main: InspectedThread, ...workers: InspectedThread[]];
}

/** A free port, and the environment in which a process of Node can be inspected there. */
export async function inspectable(): Promise<{ readonly port: number; readonly environment: Readonly<Record<string, string>> }> {
  const port = await freePort();
  return { port, environment: { NODE_OPTIONS: `--inspect=127.0.0.1:${port}` } };
}

/** Begins to inspect a process that was started as `inspectable` says. */
export async function inspect(port: number): Promise<Inspected> {
  const answer = await fetch(`http://127.0.0.1:${port}/json/list`);
  const [target]: readonly { readonly webSocketDebuggerUrl: string }[] = JSON.parse(await answer.text());
  const socket = new WebSocket(target?.webSocketDebuggerUrl ?? '');
  await once(socket, 'open');
  const main = new Thread('main', (message) => {
    socket.send(message);
  });
  const workers = new Map<string, Thread>();
  socket.addEventListener('message', ({ data }) => {
    const event = main.receive(data);
    if (event?.method === 'NodeWorker.attachedToWorker') {
      const { sessionId, workerInfo } = event.params;
      const send = (message: string): void => void main.send('NodeWorker.sendMessageToWorker', { sessionId, message });
      workers.set(sessionId, new Thread(workerInfo.title, send));
    } else if (event?.method === 'NodeWorker.receivedMessageFromWorker') {
      workers.get(event.params.sessionId)?.receive(event.params.message);
    }
  });
  await main.send('NodeWorker.enable', { waitForDebuggerOnStart: false });
  return {
    threads: [main, ...workers.values()],
    [Symbol.dispose]: () => {
      socket.close();
    },
  };
}

/** The value of an expression of JavaScript in a thread; what is no JSON is lost. */
export async function evaluate<Value>(thread: InspectedThread, expression: string): Promise<Value> {
  const { result, exceptionDetails } = await thread.send<{ readonly result: { readonly value: Value }; readonly exceptionDetails?: object }>(
    'Runtime.evaluate',
    {
      expression,
      returnByValue: true,
    },
  );
  if (exceptionDetails !== undefined) {
    throw new Error(`${expression} failed in the thread ${thread.name}: ${JSON.stringify(exceptionDetails)}`);
  }
  return result.value;
}

/** A message that a thread sends without being asked, with the members that are used here. */
interface Event {
  readonly method?: string;
  readonly params: { readonly sessionId: string; readonly message: string; readonly workerInfo: { readonly title: string } };
}

class Thread implements InspectedThread {
  readonly name: string;
  readonly #send: (message: string) => void;
  #lastId = 0;
  /** Handles the reply to a message, by the message's id. */
  readonly #waiting = new Map<number, (reply: string) => void>();

  constructor(name: string, send: (message: string) => void) {
    this.name = name;
    this.#send = send;
  }

  send<Result>(method: string, params: object = {}): Promise<Result> {
    return new Promise((resolve, reject) => {
      const id = ++this.#lastId;
      this.#waiting.set(id, (reply) => {
        const { result, error } = JSON.parse(reply);
        if (error === undefined) {
          resolve(result);
        } else {
          reject(new Error(`${method} failed in the thread ${this.name}: ${JSON.stringify(error)}`));
        }
      });
      this.#send(JSON.stringify({ id, method, params }));
    });
  }

  /** Takes a reply to what waits for it; gives an event. */
  receive(text: string): Event | null {
    const message: Event & { readonly id?: number } = JSON.parse(text);
    if (message.id === undefined) {
      return message;
    }
    this.#waiting.get(message.id)?.(text);
    this.#waiting.delete(message.id);
    return null;
  }
}
