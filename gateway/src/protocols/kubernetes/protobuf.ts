import { GatewayError } from '../../domain/errors.ts';

/** The wire types of Protocol Buffers (https://protobuf.dev/programming-guides/encoding/#structure) that Kubernetes uses. */
const wireTypes = { number: 0, eight: 1, bytes: 2, four: 5 } as const;
const varintBytesMax = 10;
/** No key of a field is greater. Readers that keep fewer bits of a greater one take it for another field. */
const keyMax = 2 ** 32 - 1;
/** Most fields of one message that are looked at. */
const fieldsMax = 100_000;

/**
 * Returns the fields of a message that hold bytes, by their numbers: texts and messages. Throws GatewayError `malformed` for what is no message, and where one of the
 * `single` fields comes twice: readers differ in which of them counts.
 */
export function byteFields(message: Uint8Array, single: ReadonlySet<number>): ReadonlyMap<number, Uint8Array> {
  const fields = new Map<number, Uint8Array>();
  let at = 0;
  const varint = (): number => {
    let sum = 0;
    for (let i = 0; i < varintBytesMax; i += 1) {
      const byte = message[at];
      at += 1;
      if (byte === undefined) {
        break;
      }
      sum += (byte & 0x7f) * 2 ** (7 * i);
      if (byte < 0x80) {
        return sum;
      }
    }
    throw malformed();
  };
  for (let count = 0; at < message.length; count += 1) {
    const key = varint();
    const [number, type] = [Math.floor(key / 8), key % 8];
    if (count >= fieldsMax || number === 0 || key > keyMax) {
      throw malformed();
    }
    switch (type) {
      case wireTypes.number:
        varint();
        break;
      case wireTypes.eight:
      case wireTypes.four:
        at += type === wireTypes.eight ? 8 : 4;
        break;
      case wireTypes.bytes: {
        const length = varint();
        if (length > message.length - at || (single.has(number) && fields.has(number))) {
          throw malformed();
        }
        fields.set(number, message.subarray(at, at + length));
        at += length;
        break;
      }
      default:
        throw malformed();
    }
  }
  if (at !== message.length) {
    throw malformed();
  }
  return fields;
}

function malformed(): GatewayError {
  return new GatewayError('malformed', 'The body is no message of Protocol Buffers that all readers read alike.');
}
