import { consoleFile } from './console.ts';
import type { Endpoint, PublicEndpoint } from './endpoint.ts';
import { acknowledgeAlert } from './endpoints/acknowledge-alert.ts';
import { applyConfig } from './endpoints/apply-config.ts';
import { askOpening } from './endpoints/ask-opening.ts';
import { assignAlert } from './endpoints/assign-alert.ts';
import { breakGlass } from './endpoints/break-glass.ts';
import { checkConnection } from './endpoints/check-connection.ts';
import { closeAlert } from './endpoints/close-alert.ts';
import { createToken } from './endpoints/create-token.ts';
import { deleteSavedSearch } from './endpoints/delete-saved-search.ts';
import { denyApproval } from './endpoints/deny-approval.ts';
import { endRun } from './endpoints/end-run.ts';
import { exportRecords } from './endpoints/export-records.ts';
import { exportSession } from './endpoints/export-session.ts';
import { getHealth } from './endpoints/get-health.ts';
import { getLogFile } from './endpoints/get-log-file.ts';
import { getMetrics } from './endpoints/get-metrics.ts';
import { getOpenApi } from './endpoints/get-open-api.ts';
import { getReadiness } from './endpoints/get-readiness.ts';
import { getReceipt } from './endpoints/get-receipt.ts';
import { getSession } from './endpoints/get-session.ts';
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
import { listOpenings } from './endpoints/list-openings.ts';
import { listPasskeys } from './endpoints/list-passkeys.ts';
import { listPrincipals } from './endpoints/list-principals.ts';
import { listReviews } from './endpoints/list-reviews.ts';
import { listSavedSearches } from './endpoints/list-saved-searches.ts';
import { listSessions } from './endpoints/list-sessions.ts';
import { listTargets } from './endpoints/list-targets.ts';
import { listTools } from './endpoints/list-tools.ts';
import { listTokens } from './endpoints/list-tokens.ts';
import { openRun } from './endpoints/open-run.ts';
import { pinTools } from './endpoints/pin-tools.ts';
import { readBytes } from './endpoints/read-bytes.ts';
import { resumePrincipal } from './endpoints/resume-principal.ts';
import { signOut } from './endpoints/sign-out.ts';
import { suspendPrincipal } from './endpoints/suspend-principal.ts';
import { removePasskey } from './endpoints/remove-passkey.ts';
import { rebuildIndex } from './endpoints/rebuild-index.ts';
import { recordOutput } from './endpoints/record-output.ts';
import { revokeToken } from './endpoints/revoke-token.ts';
import { saveSearch } from './endpoints/save-search.ts';
import { searchRecords } from './endpoints/search-records.ts';
import { showAlert } from './endpoints/show-alert.ts';
import { serveRecord } from './endpoints/serve-record.ts';
import { showApproval } from './endpoints/show-approval.ts';
import { showCaller } from './endpoints/show-caller.ts';
import { showConnection } from './endpoints/show-connection.ts';
import { signReview } from './endpoints/sign-review.ts';
import { showPolicy } from './endpoints/show-policy.ts';
import { showPolicyVersion } from './endpoints/show-policy-version.ts';
import { showRecord } from './endpoints/show-record.ts';
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
  applyConfig,
  showConnection,
  checkConnection,
  listTools,
  pinTools,
  listPrincipals,
  suspendPrincipal,
  resumePrincipal,
  listPasskeys,
  inviteAdministrator,
  removePasskey,
  showPolicy,
  showPolicyVersion,
  listTokens,
  createToken,
  revokeToken,
  listSessions,
  getSession,
  showSession,
  showRecord,
  readBytes,
  watchSession,
  exportSession,
  rebuildIndex,
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
  signReview,
  getReceipt,
  getLogFile,
  getMetrics,
];
