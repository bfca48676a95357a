import { GatewayError } from '../../domain/errors.ts';
import type { Channel } from '../../domain/channel.ts';
import { simpleQuery } from './compose.ts';
import { readFirstColumns } from './first-columns.ts';
import { catalogueQuery } from './guard/catalogue-query.ts';
import { LearnedObjects, type CatalogueRow } from './guard/learned-catalogue.ts';
import { PacketReader } from './packet-reader.ts';
import { logIn } from './upstream.ts';

/** The longest time, most objects and most bytes that a catalogue may take. One that takes more is not known. */
const learnMs = 15_000;
const rowsMax = 60_000;
const rowBytesMax = 1024 * 1024;
const totalBytesMax = 32 * 1024 * 1024;

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
      const answer = await readFirstColumns(reader, rowsMax);
      return answer === null ? null : new LearnedObjects(answer.texts.map((text): CatalogueRow => JSON.parse(text)));
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
