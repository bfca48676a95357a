import type { Connection } from 'ssh2';

const bannerNumber = 53;
/** The number of the message and the length of its text. */
const headBytes = 5;
/** The length of the name of its language, of which there is none. */
const languageBytes = 4;

/** The parts of ssh2 that send a packet. */
interface PacketSender {
  readonly _protocol: {
    readonly _packetRW: { readonly write: { readonly allocStart: number; alloc(bytes: number): Buffer; finalize(packet: Buffer): Buffer } };
    readonly _cipher: { encrypt(packet: Buffer): void };
  };
}

/**
 * Sends words to a client that logs in, which its program shows (SSH_MSG_USERAUTH_BANNER, https://www.rfc-editor.org/rfc/rfc4252#section-5.4): nothing else in a login of SSH says
 * why it fails. ssh2 has no call for it, so this uses what its own calls use. The version of ssh2 is fixed, and a test with OpenSSH sees the words.
 */
export function sendBanner(connection: Connection, words: string): void {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the fixed version of ssh2 has these parts
  const { _protocol: protocol } = connection as unknown as PacketSender;
  const { write } = protocol._packetRW;
  const text = Buffer.from(`${words}\r\n`);
  const packet = write.alloc(headBytes + text.length + languageBytes);
  const at = write.allocStart;
  packet[at] = bannerNumber;
  packet.writeUInt32BE(text.length, at + 1);
  text.copy(packet, at + headBytes);
  packet.writeUInt32BE(0, at + headBytes + text.length);
  protocol._cipher.encrypt(write.finalize(packet));
}
