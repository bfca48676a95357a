/** The part of the time of a session that is seen, in ms of its clock. */
export interface TimeWindow {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Less time than this is never seen, so that marks stay apart from their neighbours and not from themselves. */
const spanMinMs = 50;

export function wholeWindow(lengthMs: number): TimeWindow {
  return { fromMs: 0, toMs: Math.max(spanMinMs, lengthMs) };
}

/** Returns a window that shows a part as long as `factor` of the present one, and a time at the place where it was. */
export function zoomed({ fromMs, toMs }: TimeWindow, factor: number, aroundMs: number, lengthMs: number): TimeWindow {
  const span = Math.max(spanMinMs, (toMs - fromMs) * factor);
  const place = Math.min(1, Math.max(0, (aroundMs - fromMs) / (toMs - fromMs)));
  return within(aroundMs - place * span, span, lengthMs);
}

/** Returns the same window if a time is in it, and otherwise one around that time. */
export function holding(seen: TimeWindow, ms: number, lengthMs: number): TimeWindow {
  return ms >= seen.fromMs && ms <= seen.toMs ? seen : centred(seen, ms, lengthMs);
}

/** Returns a window of the same length around a time. */
export function centred({ fromMs, toMs }: TimeWindow, ms: number, lengthMs: number): TimeWindow {
  return within(ms - (toMs - fromMs) / 2, toMs - fromMs, lengthMs);
}

function within(fromMs: number, span: number, lengthMs: number): TimeWindow {
  const whole = wholeWindow(lengthMs);
  if (span >= whole.toMs) {
    return whole;
  }
  const from = Math.min(Math.max(0, fromMs), whole.toMs - span);
  return { fromMs: from, toMs: from + span };
}
