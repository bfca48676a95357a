/** Functions for the tokens of a data directory whose gateway is stopped. */
export { summarizeToken } from '../api/token-summary.ts';
export { Authenticator } from '../identity/authenticator.ts';
export { openSqlite } from '../store/sqlite.ts';
export { Tokens } from '../store/tokens.ts';
