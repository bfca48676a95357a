import type { FileHandle } from 'node:fs/promises';
import type { FileReport } from '@countersign/ledger';
import type { OpenedRecord } from '../domain/record.ts';
import type { ShownRecord } from '../feed/shown-record.ts';
import type { MessageRange } from '../recording/message-bytes.ts';
import { Timeline } from '../feed/timeline.ts';
import { findProtocol } from '../protocols/registry.ts';
import { messageBytes } from '../recording/message-bytes.ts';
import { BundleFile } from '../replay/bundle-file.ts';
import { BundledSession } from './bundled-session.ts';

/** A session that is read from its bundle, in the same form as from a store. The reader needs neither the store nor its keys. */
export interface BundleReading {
  /** The report of a verification that succeeded. */
  readonly report: FileReport;
  /** Yields the records. Throws GatewayError `store_damaged`, after the records that are whole, if the file was changed since it was verified. */
  records(): AsyncIterable<ShownRecord>;
  /** Returns the text of a version of the policies; null if the bundle does not have it. Rejects with GatewayError `store_damaged`, as `records` throws it. */
  policyText(version: string): Promise<string | null>;
  /** Yields the bytes of messages in parts. Throws GatewayError `not_found` or `store_damaged`. */
  bytes(range: MessageRange): AsyncIterable<Uint8Array>;
}

/**
 * Verifies the whole bundle before any of it is given out. Each record is verified again when it is given, so nothing is held in memory. The caller closes the
 * file. `keys` are the trusted keys; without them the bundle's own key is used. Rejects with GatewayError `store_damaged` if the verification fails;
 * `MalformedError`.
 */
export async function readBundle(handle: FileHandle, keys: readonly string[] | undefined): Promise<BundleReading> {
  const file = await BundleFile.open(handle);
  const { session } = file.header;
  return {
    report: await verifyAll(file, keys),
    async *records() {
      const timeline = new Timeline(findProtocol);
      for await (const record of openRecords(file, keys)) {
        yield timeline.show(record);
      }
    },
    async policyText(version) {
      let found: string | null = null;
      const entries = file.verify(keys, ({ governance, content }) => {
        found = governance?.['version'] === version && content !== null ? content.toString() : found;
      });
      for await (const entry of entries) {
        void entry;
      }
      return found;
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
  const session = new BundledSession();
  for await (const entry of file.verify(keys)) {
    yield session.open(entry);
  }
}
