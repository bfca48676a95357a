import { GatewayError } from '../../domain/errors.ts';
import type { Channel } from '../../domain/channel.ts';
import { frameHeaderBytes } from './codec.ts';
import { simpleQuery } from './compose.ts';
import { catalogueQuery } from './guard/catalogue-query.ts';
import { LearnedObjects, type CatalogueRow } from './guard/learned-catalogue.ts';
import { backend } from './messages.ts';
import { PacketReader } from './packet-reader.ts';
import { logIn } from './upstream.ts';

/** The longest time, most objects and most bytes that a catalogue may take. One that takes more is not known. */
const learnMs = 15_000;
const rowsMax = 60_000;
const rowBytesMax = 1024 * 1024;
const totalBytesMax = 32 * 1024 * 1024;
const rowHeadBytes = frameHeaderBytes + 2 + 4;

/**
 * Reads the catalogue of the database that a channel is connected to, over a connection of the gateway's own. Resolves with null if it cannot be read: the target
 * refuses the connection or the query, or the catalogue is over a limit.
 */
export async function learnCatalogue(channel: Channel, database: string): Promise<LearnedObjects | null> {
  try {
    const { upstream } = await logIn(channel, { database, settings: new Map([['application_name', 'countersign']]) });
    try {
      upstream.greet(simpleQuery(catalogueQuery));
      const reader = new PacketReader(upstream, { messageBytesMax: rowBytesMax, totalBytesMax, deadlineMs: performance.now() + learnMs });
      return await readRows(reader);
    } finally {
      upstream.destroy();
    }
  } catch (error) {
    if (error instanceof GatewayError || error instanceof SyntaxError) {
      return null;
    }
    throw error;
  }
}

async function readRows(reader: PacketReader): Promise<LearnedObjects | null> {
  const rows: CatalogueRow[] = [];
  for (;;) {
    const message = await reader.message();
    switch (message?.[0]) {
      case undefined:
      case backend.error:
        return null;
      case backend.dataRow:
        rows.push(JSON.parse((message ?? Buffer.alloc(0)).toString('utf8', rowHeadBytes)));
        if (rows.length > rowsMax) {
          return null;
        }
        break;
      case backend.readyForQuery:
        return new LearnedObjects(rows);
      default:
    }
  }
}
