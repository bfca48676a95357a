import { consoleFile } from './console.ts';
import type { Endpoint, PublicEndpoint } from './endpoint.ts';
import { acknowledgeAlert } from './endpoints/acknowledge-alert.ts';
import { applyConfig } from './endpoints/apply-config.ts';
import { askOpening } from './endpoints/ask-opening.ts';
import { assignAlert } from './endpoints/assign-alert.ts';
import { backUp } from './endpoints/back-up.ts';
import { breakGlass } from './endpoints/break-glass.ts';
import { checkConnection } from './endpoints/check-connection.ts';
import { closeAlert } from './endpoints/close-alert.ts';
import { compareSessions } from './endpoints/compare-sessions.ts';
import { createToken } from './endpoints/create-token.ts';
import { deleteSavedSearch } from './endpoints/delete-saved-search.ts';
import { denyApproval } from './endpoints/deny-approval.ts';
import { endRun } from './endpoints/end-run.ts';
import { exportRecords } from './endpoints/export-records.ts';
import { exportEvidence } from './endpoints/export-evidence.ts';
import { exportSession } from './endpoints/export-session.ts';
import { getEvidencePage } from './endpoints/get-evidence-page.ts';
import { getHealth } from './endpoints/get-health.ts';
import { getLogFile } from './endpoints/get-log-file.ts';
import { getLogKey } from './endpoints/get-log-key.ts';
import { getLogKeys } from './endpoints/get-log-keys.ts';
import { getMetrics } from './endpoints/get-metrics.ts';
import { getOpenApi } from './endpoints/get-open-api.ts';
import { getReadiness } from './endpoints/get-readiness.ts';
import { getReceipt } from './endpoints/get-receipt.ts';
import { getSession } from './endpoints/get-session.ts';
import { showStorage } from './endpoints/show-storage.ts';
import { getReviewCoverage } from './endpoints/get-review-coverage.ts';
import { grantApproval } from './endpoints/grant-approval.ts';
import { grantOpening } from './endpoints/grant-opening.ts';
import { haltSession } from './endpoints/halt-session.ts';
import { linkBrowser } from './endpoints/link-browser.ts';
import { listAlerts } from './endpoints/list-alerts.ts';
import { listApprovals } from './endpoints/list-approvals.ts';
import { listFields } from './endpoints/list-fields.ts';
import { listIssuers } from './endpoints/list-issuers.ts';
import { inviteAdministrator } from './endpoints/invite-administrator.ts';
import { listKeys } from './endpoints/list-keys.ts';
import { listOpenings } from './endpoints/list-openings.ts';
import { listPasskeys } from './endpoints/list-passkeys.ts';
import { listPrincipals } from './endpoints/list-principals.ts';
import { listReports } from './endpoints/list-reports.ts';
import { listReviews } from './endpoints/list-reviews.ts';
import { listSavedSearches } from './endpoints/list-saved-searches.ts';
import { listSessions } from './endpoints/list-sessions.ts';
import { createHold } from './endpoints/create-hold.ts';
import { listHolds } from './endpoints/list-holds.ts';
import { eraseRecords } from './endpoints/erase-records.ts';
import { confirmErasure } from './endpoints/confirm-erasure.ts';
import { listErasures } from './endpoints/list-erasures.ts';
import { releaseHold } from './endpoints/release-hold.ts';
import { showHold } from './endpoints/show-hold.ts';
import { listTargets } from './endpoints/list-targets.ts';
import { listTools } from './endpoints/list-tools.ts';
import { listTokens } from './endpoints/list-tokens.ts';
import { makeReport } from './endpoints/make-report.ts';
import { openRun } from './endpoints/open-run.ts';
import { pinTools } from './endpoints/pin-tools.ts';
import { planRetention } from './endpoints/plan-retention.ts';
import { readBytes } from './endpoints/read-bytes.ts';
import { resumePrincipal } from './endpoints/resume-principal.ts';
import { signOut } from './endpoints/sign-out.ts';
import { suspendPrincipal } from './endpoints/suspend-principal.ts';
import { removePasskey } from './endpoints/remove-passkey.ts';
import { rebuildIndex } from './endpoints/rebuild-index.ts';
import { rotateRootKey } from './endpoints/rotate-root-key.ts';
import { rotateSigningKey } from './endpoints/rotate-signing-key.ts';
import { runRetention } from './endpoints/run-retention.ts';
import { recordOutput } from './endpoints/record-output.ts';
import { revokeToken } from './endpoints/revoke-token.ts';
import { saveSearch } from './endpoints/save-search.ts';
import { searchRecords } from './endpoints/search-records.ts';
import { showAlert } from './endpoints/show-alert.ts';
import { serveRecord } from './endpoints/serve-record.ts';
import { showApproval } from './endpoints/show-approval.ts';
import { showCaller } from './endpoints/show-caller.ts';
import { showConfig } from './endpoints/show-config.ts';
import { showConnection } from './endpoints/show-connection.ts';
import { showPrincipalAccess } from './endpoints/show-principal-access.ts';
import { showTargetAccess } from './endpoints/show-target-access.ts';
import { reconcileTarget } from './endpoints/reconcile-target.ts';
import { showTimestamps } from './endpoints/show-timestamps.ts';
import { showWitnesses } from './endpoints/show-witnesses.ts';
import { signReview } from './endpoints/sign-review.ts';
import { checkPolicies } from './endpoints/check-policies.ts';
import { explainRequest } from './endpoints/explain-request.ts';
import { listPolicyFiles } from './endpoints/list-policy-files.ts';
import { listPolicyVersions } from './endpoints/list-policy-versions.ts';
import { listPolicyWords } from './endpoints/list-policy-words.ts';
import { savePolicyFile } from './endpoints/save-policy-file.ts';
import { testPolicies } from './endpoints/test-policies.ts';
import { tryPolicies } from './endpoints/try-policies.ts';
import { showPolicy } from './endpoints/show-policy.ts';
import { showPolicyVersion } from './endpoints/show-policy-version.ts';
import { traceRecord } from './endpoints/trace-record.ts';
import { showRecord } from './endpoints/show-record.ts';
import { showRetention } from './endpoints/show-retention.ts';
import { showSession } from './endpoints/show-session.ts';
import { watchSession } from './endpoints/watch-session.ts';
import { endSignIns } from './open/end-sign-ins.ts';
import { passkeyRoutes } from './open/passkeys.ts';
import { scimRoutes } from './open/scim.ts';
import { signInRoutes } from './open/sign-in.ts';
import type { OpenRoute } from './open-route.ts';

/** The endpoints that need no caller: everybody may ask whether the gateway works, and where to sign in. */
export const publicRoutes: readonly PublicEndpoint[] = [getHealth, getOpenApi, getReadiness, listIssuers];

/** The addresses whose forms other standards state, and those of the gateway's own pages. */
export const openRoutes: readonly OpenRoute[] = [endSignIns, ...scimRoutes, ...signInRoutes(), ...passkeyRoutes, consoleFile];

/** All other endpoints of the API. They need a caller. */
export const routes: readonly Endpoint[] = [
  showCaller,
  signOut,
  linkBrowser,
  listTargets,
  showConfig,
  applyConfig,
  showRetention,
  planRetention,
  showConnection,
  showTargetAccess,
  reconcileTarget,
  showTimestamps,
  showWitnesses,
  checkConnection,
  listTools,
  pinTools,
  listPrincipals,
  showPrincipalAccess,
  suspendPrincipal,
  resumePrincipal,
  listPasskeys,
  inviteAdministrator,
  removePasskey,
  showPolicy,
  listPolicyVersions,
  showPolicyVersion,
  listPolicyFiles,
  savePolicyFile,
  listPolicyWords,
  checkPolicies,
  testPolicies,
  explainRequest,
  tryPolicies,
  listTokens,
  createToken,
  revokeToken,
  listSessions,
  getSession,
  showSession,
  compareSessions,
  showRecord,
  traceRecord,
  readBytes,
  watchSession,
  exportSession,
  exportEvidence,
  listReports,
  makeReport,
  getEvidencePage,
  rebuildIndex,
  backUp,
  runRetention,
  listKeys,
  rotateRootKey,
  rotateSigningKey,
  haltSession,
  openRun,
  recordOutput,
  endRun,
  listApprovals,
  showApproval,
  grantApproval,
  denyApproval,
  breakGlass,
  exportRecords,
  listAlerts,
  showAlert,
  acknowledgeAlert,
  assignAlert,
  closeAlert,
  listHolds,
  showHold,
  createHold,
  releaseHold,
  listErasures,
  eraseRecords,
  confirmErasure,
  listOpenings,
  askOpening,
  grantOpening,
  searchRecords,
  listFields,
  serveRecord,
  listSavedSearches,
  saveSearch,
  deleteSavedSearch,
  listReviews,
  getReviewCoverage,
  showStorage,
  signReview,
  getReceipt,
  getLogKey,
  getLogKeys,
  getLogFile,
  getMetrics,
];
