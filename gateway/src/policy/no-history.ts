import type { SessionHistory } from './policy.ts';

/** The history of a session that did nothing yet. */
export const noHistory: SessionHistory = {
  targets: new Set(),
  tables: new Set(),
  classes: new Set(),
  requests: 0,
  denials: 0,
  approvals: 0,
  rows: 0,
  bytes: 0,
  tokens: 0,
};
