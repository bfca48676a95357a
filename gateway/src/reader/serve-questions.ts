import type { MessagePort } from 'node:worker_threads';
import type { FeedSettings } from './feed-news.ts';
import type { FromThread, Question, ToThread } from './questions.ts';
import { sendError } from './sent-error.ts';

/** Answers a question in pieces. `left` aborts when nobody waits for the rest. */
type Answer = (question: Question, left: AbortSignal) => AsyncIterable<unknown>;

interface Call {
  readonly pieces: AsyncIterator<unknown>;
  readonly leave: AbortController;
}

export interface QuestionsParts {
  readonly answer: Answer;
  /** Called with the error when an answer fails. */
  readonly onFailure: (error: unknown) => void;
  readonly onFeed: (settings: FeedSettings) => void;
  readonly onWritten: (records: number) => void;
  /** Called at the end, to release what the thread holds. No further question comes. */
  readonly onStop: () => void;
}

/** The thread's side of the port. It makes one piece of an answer for each message that asks for one. */
export function serveQuestions(port: MessagePort, { answer, onFailure, onFeed, onWritten, onStop }: QuestionsParts): void {
  const calls = new Map<number, Call>();
  const send = (message: FromThread): void => {
    const piece = 'piece' in message ? message.piece : null;
    // A piece of bytes owns its memory, which is handed over.
    port.postMessage(message, piece instanceof Uint8Array && piece.buffer instanceof ArrayBuffer ? [piece.buffer] : []);
  };
  const advance = async (call: number, { pieces }: Call): Promise<void> => {
    try {
      const { done, value } = await pieces.next();
      if (done === true) {
        calls.delete(call);
        send({ call, done });
      } else {
        send({ call, piece: value });
      }
    } catch (error) {
      calls.delete(call);
      send({ call, failed: sendError(error) });
      onFailure(error);
    }
  };
  port.on('message', (message: ToThread) => {
    if ('stop' in message) {
      for (const { leave } of calls.values()) {
        leave.abort();
      }
      onStop();
      return;
    }
    if ('feed' in message) {
      onFeed(message.feed);
      return;
    }
    if ('begin' in message) {
      onWritten(message.written);
      const leave = new AbortController();
      calls.set(message.call, { pieces: answer(message.begin, leave.signal)[Symbol.asyncIterator](), leave });
    }
    const asked = calls.get(message.call);
    if (asked === undefined) {
      return;
    }
    if ('leave' in message) {
      calls.delete(message.call);
      asked.leave.abort();
      void asked.pieces.return?.();
    } else {
      void advance(message.call, asked);
    }
  });
}
