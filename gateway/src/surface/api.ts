/** The types of the API, for its clients. */
export type { AccessLine } from '../api/access-line.ts';
export type { AlertSummary } from '../api/alerts.ts';
export type { HoldSummary } from '../api/holds.ts';
export type { ErasureByQuery, WaitingErasureSummary } from '../api/erasures.ts';
export type { ReleasedHold } from '../api/endpoints/release-hold.ts';
export type { OpeningSummary } from '../api/openings.ts';
export type { ApprovalSummary, OwnApproval } from '../api/approvals.ts';
export type { ApprovalDetails } from '../api/endpoints/show-approval.ts';
export type { AppliedConfig } from '../api/endpoints/apply-config.ts';
export type { ReachedTarget } from '../api/endpoints/check-connection.ts';
export type { IssuerSummary } from '../api/endpoints/list-issuers.ts';
export type { PasskeySummary } from '../api/endpoints/list-passkeys.ts';
export type { ShownStorage } from '../api/endpoints/show-storage.ts';
export type { ShownCaller } from '../api/endpoints/show-caller.ts';
export type { RetentionPlan } from '../api/endpoints/plan-retention.ts';
export type { ShownKeepingClass } from '../api/endpoints/show-retention.ts';
export type { ShownKeys } from '../api/endpoints/list-keys.ts';
export type { ShownRotation } from '../api/endpoints/rotate-root-key.ts';
export type { ShownSigner } from '../api/endpoints/rotate-signing-key.ts';
export type { FinishedRetentionRun } from '../api/endpoints/run-retention.ts';
export type { ListedReport } from '../api/endpoints/list-reports.ts';
export type { MadeReport } from '../api/endpoints/make-report.ts';
export type { HaltedSession } from '../api/endpoints/halt-session.ts';
export type { OpenedRun } from '../api/begin-run.ts';
export { filesDirectory } from '../domain/connection-instructions.ts';
export type { TargetSummary } from '../api/target-summary.ts';
export type { ToolSummary } from '../api/tool-summary.ts';
export type { ReconciledTarget } from '../api/endpoints/reconcile-target.ts';
export type { TimestampStatus } from '../api/endpoints/show-timestamps.ts';
export type { WitnessStatus } from '../api/endpoints/show-witnesses.ts';
export type { TokenSummary } from '../api/token-summary.ts';
export { commandLengthMax } from '../domain/limits.ts';
export type { Bridge } from '../domain/bridge.ts';
export type { ConnectionInstructions } from '../domain/connection-instructions.ts';
export type { SessionPage, SessionSummary, ShownRecord } from '../feed/shown-record.ts';
export type { MessageRange } from '../recording/message-bytes.ts';
export type {
  CountedValue,
  FoundRecord,
  FoundSession,
  ReviewCoverage,
  ReviewedSession,
  SavedSearch,
  SearchLine,
  SearchSummary,
  SessionOverview,
} from '../search/found.ts';
