import type { GatewayError } from '../../domain/errors.ts';
import { data, errorData, exitStatus, plain } from './compose.ts';

/** The exit codes that a shell has: for a command that may not be run, and that of ssh for a connection that failed. */
export const exitCodes = { refused: 126, failed: 255 } as const;

/** Says in a sentence why something was not done, with the session in which that is recorded, if there is one. */
export function sentence(error: Pick<GatewayError, 'message'>, session: string | null): string {
  return session === null ? `countersign: ${error.message}` : `countersign: ${error.message.replace(/\.$/, '')} (session ${session})`;
}

/** Returns the messages that end what runs in a channel: the sentence on its standard error, the exit code, the end. A terminal has both streams in one. */
export function lastWords(channel: number, words: string, { code, isTerminal }: { readonly code: number; readonly isTerminal: boolean }): readonly Buffer[] {
  return [saying(channel, words, isTerminal), exitStatus(channel, code), plain('eof', channel), plain('close', channel)];
}

/** Returns a line for the person at a channel. */
export function saying(channel: number, words: string, isTerminal: boolean): Buffer {
  return isTerminal ? data(channel, Buffer.from(`\r\n${words}\r\n`)) : errorData(channel, Buffer.from(`${words}\n`));
}
