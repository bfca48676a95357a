import type { FileHandle } from 'node:fs/promises';
import type { FileReport } from '@countersign/ledger';
import { GatewayError } from './domain/errors.ts';
import { parseOptions } from './domain/options.ts';
import type { KnownChannel, OpenedRecord } from './domain/record.ts';
import type { MessageRange, ShownRecord } from './domain/shown-record.ts';
import type { TargetFacts } from './domain/target.ts';
import { Presenter } from './feed/timeline.ts';
import { findProtocol } from './protocols/registry.ts';
import { messageBytes } from './recording/message-bytes.ts';
import { BundleFile, type BundleEntry } from './replay/bundle-file.ts';

/** A session that is read from its bundle, as one of a store is read, by who has neither the store nor its keys. */
export interface BundleReading {
  /** It holds. */
  readonly report: FileReport;
  /** Errors: `store_damaged`, behind what is whole, where the file is not any more what was verified. */
  records(): AsyncIterable<ShownRecord>;
  /** In parts. Errors: `not_found`, `store_damaged`. */
  bytes(range: MessageRange): AsyncIterable<Uint8Array>;
}

/**
 * Verifies all of it before any of it is given; each record is verified again as it is given, so nothing is held of the first time. The file stays the caller's. `keys`: trusted; none: the
 * bundle's own. Errors: `store_damaged` where it does not hold; `MalformedError`.
 */
export async function readBundle(handle: FileHandle, keys: readonly string[] | undefined): Promise<BundleReading> {
  const file = await BundleFile.open(handle);
  const { session } = file.header;
  return {
    report: await verifyAll(file, keys),
    async *records() {
      const presenter = new Presenter(findProtocol);
      for await (const record of openRecords(file, keys)) {
        yield presenter.show(record);
      }
    },
    bytes: (range) => messageBytes(openRecords(file, keys), session, range),
  };
}

async function verifyAll(file: BundleFile, keys: readonly string[] | undefined): Promise<FileReport> {
  const entries = file.verify(keys);
  for (;;) {
    const step = await entries.next();
    if (step.done === true) {
      return step.value;
    }
  }
}

async function* openRecords(file: BundleFile, keys: readonly string[] | undefined): AsyncGenerator<OpenedRecord> {
  const channels = new Map<number, KnownChannel>();
  for await (const entry of file.verify(keys)) {
    const { meta } = entry;
    if (meta?.opens !== undefined) {
      channels.set(meta.channel, { ...meta.opens, targets: meta.opens.targets.map(withValidOptions) });
    }
    yield openedRecord(entry, meta === null ? null : (channels.get(meta.channel) ?? null));
  }
}

function openedRecord(entry: BundleEntry, channelFacts: KnownChannel | null): OpenedRecord {
  return { ...entry, channelFacts, withheld: entry.isWithheld ? 'not_in_bundle' : null };
}

/** Who renders relies on the options of a target; those that its protocol would not take are none. */
function withValidOptions(facts: TargetFacts): TargetFacts {
  const protocol = findProtocol(facts.protocol);
  try {
    return { ...facts, options: protocol === undefined ? {} : parseOptions(protocol.options, facts.options) };
  } catch (error) {
    if (error instanceof GatewayError) {
      return { ...facts, options: {} };
    }
    throw error;
  }
}
