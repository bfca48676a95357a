import { frameHeaderBytes } from './codec.ts';
import { backend } from './messages.ts';
import type { PacketReader } from './packet-reader.ts';

/** Before the first column of a DataRow: the number of columns, and the length of the column. */
const rowHeadBytes = frameHeaderBytes + 2 + 4;

export interface FirstColumns {
  /** The text of the first column of each row. */
  readonly texts: readonly string[];
  /** The state of the transaction, as ReadyForQuery says it. */
  readonly status: number;
}

/** Reads the answer to a question of the gateway's own up to ReadyForQuery. Null: the target reports an error, ends the connection, or has more rows. */
export async function readFirstColumns(reader: PacketReader, rowsMax: number): Promise<FirstColumns | null> {
  const texts: string[] = [];
  for (;;) {
    const message = await reader.message();
    switch (message?.[0]) {
      case undefined:
      case backend.error:
        return null;
      case backend.dataRow:
        if (texts.length === rowsMax) {
          return null;
        }
        texts.push((message ?? Buffer.alloc(0)).toString('utf8', rowHeadBytes));
        break;
      case backend.readyForQuery:
        return { texts, status: message?.[frameHeaderBytes] ?? 0 };
      default:
    }
  }
}
