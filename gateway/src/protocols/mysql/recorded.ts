import { PacketReader, type PacketPiece } from './packets.ts';
import { GatewayError } from '../../domain/errors.ts';

/** Returns the payloads of recorded packets, in parts where they are cut. What cannot be read ends them. */
export function piecesIn(bytes: Uint8Array): readonly PacketPiece[] {
  const reader = new PacketReader();
  reader.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
  reader.expect(bytes[3] ?? 0);
  const pieces: PacketPiece[] = [];
  try {
    for (let piece = reader.next(bytes.length); piece !== null; piece = reader.next(bytes.length)) {
      pieces.push(piece);
    }
  } catch (error) {
    if (!(error instanceof GatewayError)) {
      throw error;
    }
  }
  return pieces;
}

/** Returns the first payload of recorded packets; null if there is no whole one. */
export function payloadIn(bytes: Uint8Array): Buffer | null {
  return piecesIn(bytes)[0]?.payload ?? null;
}
