import { segmentName } from '@countersign/ledger/format';

/** Most segments of a store, of 64 MiB each unless it was started more often than that. */
export const segmentsMax = 4_194_304;

/** The names of the objects of a gateway are those of the files in its data directory, below its id: nothing has to be listed to find them. */
export function segmentObject(gatewayId: string, segment: number): string {
  return `${gatewayId}/journal/${segmentName(segment)}`;
}

/** `path` is that of a file below `log/`: `key`, `checkpoint`, or a tile. */
export function logObject(gatewayId: string, path: string): string {
  return `${gatewayId}/log/${path}`;
}

/** The bytes of a segment that is still written to, from an offset on. The next such object begins where this one ends. */
export function tailObject(gatewayId: string, segment: number, offset: number): string {
  return `${gatewayId}/tail/${segmentName(segment).replace('.segment', '')}/${offset}`;
}
