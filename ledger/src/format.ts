/** The formats of the journal and the log, byte by byte, for programs that write and read them. `docs/formats/` is normative. */
export {
  anchorEntryHash,
  AnchorHistory,
  anchorReasonMax,
  formatAnchorEntry,
  isAnchorReason,
  parseAnchorEntry,
  type AnchoredLog,
  type AnchorEntry,
} from './anchor.ts';
export { anchorEveryS, readAnchorBundles } from './anchor-check.ts';
export {
  bundleLineBytesMax,
  formatBundleCheckpoint,
  formatBundleHeader,
  formatBundlePolicy,
  formatBundleRecord,
  isBundleCheckpoint,
  isBundlePolicy,
  parseBundleCheckpoint,
  parseBundleHeader,
  parseBundlePolicy,
  parseBundleRecord,
  type BundleBody,
  type BundleHeader,
  type BundleRecord,
} from './bundle.ts';
export { formatCheckpoint, gatewayIdOf, originOf, parseCheckpoint, type SignedCheckpoint } from './checkpoint.ts';
export { decodeBase64, encodeBase64 } from './base64.ts';
export { formatCoseReceipt, formatSignedStatement } from './cose.ts';
export { cosign, verifyCosignatures } from './cosignature.ts';
export { sha256, sha256Into } from './crypto.ts';
export { formatErasure, parseErasureBody, type ErasureCause, type ErasureIntent } from './erasure-body.ts';
export { formatEvidenceHeader, parseEvidenceHeader, type EvidenceHeader } from './evidence.ts';
export { bytesOfArmor, evidencePage, isEvidencePage, isSealed, sealedInPage, sealedPage, unescapeLine } from './evidence-page.ts';
export { parseGovernanceBody } from './governance.ts';
export { HashSlots } from './hash-slots.ts';
export { decodeHex, encodeHex } from './hex.ts';
export {
  announcedMax,
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
  formatHandover,
  formatKeyRing,
  openKeyRing,
  parseHandover,
  publishedAt,
  requireNext,
  requireSigned,
  ringBytesMax,
  ringKeysMax,
  signHandover,
  SigningKeys,
  type Handover,
  type RingKey,
} from './keyring.ts';
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
export {
  formatSignatureLine,
  formatVerifierKey,
  formatWitnessKey,
  noteBytesMax,
  parseNote,
  parseVerifierKey,
  parseWitnessKey,
  signatureTypes,
  signNote,
  verifyNote,
  type NoteSignature,
  type NoteSigner,
  type VerifierKey,
} from './note.ts';
export { equalBytes, rootAt, verifyConsistency, verifyInclusion } from './proof.ts';
export { entryAt, entryPlaces, frameEntries, isFrame, SegmentReader, type Entry, type Frame, type SegmentEnd, type SegmentSource } from './segment-reader.ts';
export { decodeUtf8, encodeUtf8, parseDecimal } from './text.ts';
export { encodeEntryBundle, entryBundlePath, parseTilePath, tileHeight, tilePath, TileReader, tilesOf, tileWidth, type Tile } from './tile.ts';
export { formatReceipt, parseReceipt, type Receipt } from './tlog-proof.ts';
export { firstHoldClass } from './protected-secrets.ts';
export { formatTimestampLine } from './timestamp-line.ts';
export { formatTimestampRequest, nonceBytes, parseTimestampAnswer, timestampBytesMax, verifyTimestamp, type TimestampInfo } from './timestamp-token.ts';
export { emptyRoot, Frontier } from './tree.ts';
export { isQuorum, policyHolds, type PolicyWitness, type WitnessPolicy } from './witness-policy.ts';
