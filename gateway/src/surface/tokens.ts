/** Functions for the tokens of a data directory whose gateway is stopped. */
export { summarizeToken } from '../api/token-summary.ts';
export { Authenticator } from '../identity/authenticator.ts';
export { EmbeddedDatabase } from '../store/embedded-database.ts';
export { openIdentities } from '../store/identities.ts';
