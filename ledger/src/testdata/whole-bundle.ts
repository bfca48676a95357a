import {
  formatBundleCheckpoint,
  formatBundleHeader,
  formatBundleRecord,
  parseBundleCheckpoint,
  parseBundleHeader,
  parseBundleRecord,
  type BundleHeader,
  type ParsedRecord,
} from '../bundle.ts';

interface Bundle {
  readonly header: BundleHeader;
  readonly records: readonly ParsedRecord[];
  /** The signed note. */
  readonly checkpoint: string;
}

/** A bundle that is small enough to be held whole. Throws `MalformedError`. */
export function parseBundle(bytes: Uint8Array): Bundle {
  const [header = '', ...rest] = new TextDecoder().decode(bytes).trimEnd().split('\n');
  const checkpoint = rest.pop() ?? '';
  return { header: parseBundleHeader(header), records: rest.map(parseBundleRecord), checkpoint: parseBundleCheckpoint(checkpoint) };
}

export function formatBundle({ header, records, checkpoint }: Bundle): string {
  return formatBundleHeader(header) + records.map(formatBundleRecord).join('') + formatBundleCheckpoint(checkpoint);
}
