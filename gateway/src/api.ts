/** What the API speaks: for its clients. */
export type { AppliedConfig, HaltedSession, OpenedRun, ReachedTarget } from './api/context.ts';
export { commandLengthMax } from './api/schemas.ts';
export { summarizeTarget, type TargetSummary } from './api/target-summary.ts';
export { summarizeToken, type TokenSummary } from './api/token-summary.ts';
export type { Bridge, ConnectionInstructions } from './domain/protocol.ts';
export type { MessageRange, SessionPage, SessionSummary, ShownRecord } from './domain/shown-record.ts';
