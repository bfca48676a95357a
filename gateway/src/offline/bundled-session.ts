import type { ParsedRecord } from '@countersign/ledger';
import { GatewayError } from '../domain/errors.ts';
import { parseOptions } from '../domain/options.ts';
import type { KnownChannel, OpenedRecord } from '../domain/record.ts';
import type { TargetFacts } from '../domain/target.ts';
import type { ShownRecord } from '../feed/shown-record.ts';
import { Timeline } from '../feed/timeline.ts';
import { findProtocol } from '../protocols/registry.ts';
import { openBundled, type BundledRecord } from '../replay/bundled-record.ts';

/** The records of the bundle of one session, which are given in order. It needs nothing that a browser does not have. */
export class BundledSession {
  readonly #channels = new Map<number, KnownChannel>();
  readonly #timeline = new Timeline(findProtocol, { hasTables: true });

  /** Opens a record. Throws `MalformedError`. */
  open(bundled: BundledRecord): OpenedRecord {
    const { meta } = bundled;
    if (meta?.opens !== undefined) {
      this.#channels.set(meta.channel, { ...meta.opens, targets: meta.opens.targets.map(withValidOptions) });
    }
    return { ...bundled, channelFacts: meta === null ? null : (this.#channels.get(meta.channel) ?? null) };
  }

  /** Returns a record as people see it, and as it was opened. Throws `MalformedError`. */
  show(record: ParsedRecord): { readonly shown: ShownRecord; readonly opened: OpenedRecord } {
    const opened = this.open(openBundled(record));
    return { shown: this.#timeline.show(opened), opened };
  }
}

/** Replaces options that the target's protocol would refuse by none, because rendering relies on valid options. */
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

export { messageBytes } from '../recording/message-bytes.ts';
export type { OpenedRecord } from '../domain/record.ts';
