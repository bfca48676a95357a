/** A record of the gateway's own session that says that it was there. */
export interface Sign {
  readonly session: string;
  readonly seq: number;
  readonly time: string;
  readonly kind: string;
}

interface Gap {
  readonly from: string;
  readonly to: string;
  /** The number in its session of the record after the gap. */
  readonly seq: number;
  /** True: the gateway itself says that it recorded nothing then. */
  readonly isDeclared: boolean;
}

/** A run of the gateway, from its start to its end. */
export interface Epoch {
  readonly session: string;
  /** The time of the first of its records that is known, and of the last. */
  readonly first: string;
  readonly last: string;
  /** True: its start is among what is known. */
  readonly hasStart: boolean;
  readonly heartbeats: number;
  readonly gaps: readonly Gap[];
}

/** A heartbeat is due every 60 s; half of that is grace, as for the verifier. */
const gapMs = 90_000;

/** Joins the records of gateways' own sessions into epochs, the newest first. */
export function joinEpochs(signs: readonly Sign[]): readonly Epoch[] {
  const ordered = signs.toSorted((a, b) => Date.parse(a.time) - Date.parse(b.time) || a.seq - b.seq);
  return [...Map.groupBy(ordered, ({ session }) => session)]
    .flatMap(([session, [first, ...rest]]) => (first === undefined ? [] : [epochOf(session, [first, ...rest])]))
    .toReversed();
}

function epochOf(session: string, signs: readonly [Sign, ...Sign[]]): Epoch {
  const [first] = signs;
  return {
    session,
    first: first.time,
    last: (signs.at(-1) ?? first).time,
    hasStart: first.kind === 'epoch',
    heartbeats: signs.filter(({ kind }) => kind === 'heartbeat').length,
    gaps: signs.slice(1).flatMap(({ time, seq, kind }, at) => {
      const before = signs[at] ?? first;
      const isGap = kind === 'pause' || Date.parse(time) - Date.parse(before.time) > gapMs;
      return isGap ? [{ from: before.time, to: time, seq, isDeclared: kind === 'pause' }] : [];
    }),
  };
}
