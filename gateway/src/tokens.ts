/** The tokens of a data directory whose gateway is stopped. */
export { Authenticator } from './identity/authenticate.ts';
export { openSqlite } from './store/sqlite.ts';
export { Tokens } from './store/tokens.ts';
