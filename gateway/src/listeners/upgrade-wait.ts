import type { Socket } from 'node:net';
import type { Upgrade } from '../domain/exchange.ts';

/** A client waits for the answer before it says more (RFC 6455, 4.1): what one says at once all the same is held up to this length. */
const earlyBytesMax = 64 * 1024;

/** Reads a socket on which nobody reads yet, so that a client that leaves is noticed. */
export function awaitAnswer(socket: Socket, head: Buffer): Upgrade {
  const early = [head];
  let bytes = head.length;
  const onData = (piece: Buffer): void => {
    early.push(piece);
    bytes += piece.length;
    if (bytes > earlyBytesMax) {
      socket.destroy();
    }
  };
  const onEnd = (): void => {
    socket.destroy();
  };
  socket.on('data', onData);
  socket.on('end', onEnd);
  return {
    socket,
    take: () => {
      socket.off('data', onData);
      socket.off('end', onEnd);
      socket.pause();
      return Buffer.concat(early);
    },
  };
}
