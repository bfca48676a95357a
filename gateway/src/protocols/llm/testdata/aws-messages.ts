import { crc32 } from 'node:zlib';

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** One message with headers of string type. */
export function awsMessage(headers: Readonly<Record<string, string>>, payload: Uint8Array): Buffer {
  const encoded = Buffer.concat(
    Object.entries(headers).map(([name, value]) => {
      const bytes = Buffer.from(value);
      return Buffer.concat([Buffer.from([name.length]), Buffer.from(name), Buffer.from([7, bytes.length >> 8, bytes.length & 0xff]), bytes]);
    }),
  );
  const lengths = Buffer.concat([uint32(16 + encoded.length + payload.length), uint32(encoded.length)]);
  return sealed(lengths, Buffer.concat([encoded, payload]));
}

/** Makes a message with its two checksums in their places. */
export function sealed(lengths: Buffer, rest: Buffer): Buffer {
  const message = Buffer.concat([lengths, uint32(crc32(lengths)), rest]);
  return Buffer.concat([message, uint32(crc32(message))]);
}

export function awsEvent(type: string, event: unknown): Buffer {
  const headers = { ':event-type': type, ':content-type': 'application/json', ':message-type': 'event' };
  return awsMessage(headers, Buffer.from(JSON.stringify(event)));
}

export function awsException(type: string, message: string): Buffer {
  const headers = { ':exception-type': type, ':content-type': 'application/json', ':message-type': 'exception' };
  return awsMessage(headers, Buffer.from(JSON.stringify({ message })));
}
