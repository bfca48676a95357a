/** The formats of the journal and the log, byte by byte, for programs that write and read them. `docs/formats/` is normative. */
export {
  bundleLineBytesMax,
  formatBundleCheckpoint,
  formatBundleHeader,
  formatBundlePolicy,
  formatBundleRecord,
  isBundlePolicy,
  parseBundleCheckpoint,
  parseBundleHeader,
  parseBundlePolicy,
  parseBundleRecord,
  type BundleBody,
  type BundleHeader,
  type BundleRecord,
} from './bundle.ts';
export { formatCheckpoint, gatewayIdOf, originOf, parseCheckpoint } from './checkpoint.ts';
export { sha256, sha256Into } from './crypto.ts';
export { parseGovernanceBody } from './governance.ts';
export { HashSlots } from './hash-slots.ts';
export { decodeHex, encodeHex } from './hex.ts';
export {
  bodyEncodings,
  bodyOffsets,
  bodyStreams,
  decodeSegmentHeader,
  encodeSegmentHeader,
  entryHeaderBytes,
  entryOffsets,
  frameHeaderBytes,
  frameMagic,
  frameOffsets,
  frameTypes,
  parseSegmentName,
  segmentBytesMax,
  segmentHeaderBytes,
  segmentName,
  streamAlignmentBytes,
  type SegmentSummary,
  type StoredBody,
} from './journal.ts';
export {
  bodySlots,
  commitClear,
  commitSealed,
  decodeLeaf,
  hashBytes,
  isGovernance,
  leafBytes,
  leafFlags,
  leafHash,
  leafKinds,
  leafOffsets,
  neverExpires,
  readUint53,
  saltBytes,
  storesContent,
  writeUint53,
  type BodySlot,
  type Leaf,
  type LeafKind,
} from './leaf.ts';
export { splitLines } from './lines.ts';
export { formatVerifierKey, noteBytesMax, parseNote, signNote, verifyNote, type NoteSigner } from './note.ts';
export { equalBytes, verifyInclusion } from './proof.ts';
export { entryAt, entryPlaces, frameEntries, isFrame, SegmentReader, type Entry, type Frame, type SegmentEnd, type SegmentSource } from './segment-reader.ts';
export { decodeUtf8, encodeUtf8 } from './text.ts';
export { parseTilePath, tileHeight, tilePath, TileReader, tilesOf, tileWidth } from './tile.ts';
export { formatReceipt, parseReceipt } from './tlog-proof.ts';
export { Frontier } from './tree.ts';
