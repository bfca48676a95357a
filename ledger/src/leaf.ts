/**
 * The leaf: the fixed public part of one record. Layout: docs/formats/leaf.md.
 */

export const leafBytes = 164;
export const hashBytes = 32;
export const sessionIdBytes = 16;
export const gatewayIdBytes = 8;
export const neverExpires = 0xffff_ffff;

export const leafKinds = {
  open: 1,
  close: 2,
  resume: 3,
  request: 4,
  response: 5,
  decision: 6,
  approval: 7,
  mask: 8,
  alert: 9,
  access: 10,
  incident: 11,
  epoch: 32,
  heartbeat: 33,
  seal: 34,
  key: 35,
  policy: 36,
  hold: 37,
  erasure: 38,
  reconcile: 39,
} as const;

export type LeafKind = keyof typeof leafKinds;

const kindNames = new Map<number, LeafKind>(
  // Object.entries widens the keys to string; they are the keys of the constant above.
  Object.entries(leafKinds).map(([name, code]) => [code, name as LeafKind]),
);

export const leafFlags = { metaClear: 1, hasMeta: 2, hasContent: 4, continues: 8 } as const;
const allLeafFlags = 15;

/** Byte offsets of the leaf's fields. */
export const leafOffsets = {
  version: 0,
  kind: 1,
  flags: 2,
  session: 4,
  sessionSeq: 20,
  timeMs: 28,
  gatewayId: 36,
  epoch: 44,
  logIndex: 48,
  metaClass: 56,
  metaExpiryDay: 58,
  contentClass: 62,
  contentExpiryDay: 64,
  previous: 68,
  metaCommit: 100,
  contentCommit: 132,
} as const;

export interface Leaf {
  readonly kind: LeafKind;
  readonly flags: number;
  /** 32 hex digits. */
  readonly session: string;
  readonly sessionSeq: number;
  readonly timeMs: number;
  /** 16 hex digits. */
  readonly gatewayId: string;
  readonly epoch: number;
  readonly logIndex: number;
  readonly metaClass: number;
  readonly metaExpiryDay: number;
  readonly contentClass: number;
  readonly contentExpiryDay: number;
  readonly previous: Uint8Array;
  readonly metaCommit: Uint8Array;
  readonly contentCommit: Uint8Array;
}
