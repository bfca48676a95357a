/** Functions that read, explain and edit the configuration of a gateway. */
export { describeClass, explainConfig } from '../assembly/config-explanation.ts';
export { summarizeTarget } from '../api/target-summary.ts';
export type { Config } from '../config/config.ts';
export { addToConfig, type ConfigEntry } from '../config/edit.ts';
export { parseConfig, readConfig } from '../config/parse.ts';
export type { Principal } from '../domain/principal.ts';
export { findProtocol, protocols } from '../protocols/registry.ts';
