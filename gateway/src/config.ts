/** The configuration of a gateway: reading, explaining and editing it. */
export type { Config } from './config/config.ts';
export { addToConfig } from './config/edit.ts';
export { findData, findSecretVariables, parseConfig, readConfig } from './config/parse.ts';
export { defaultData, whatIsLive } from './config/schema.ts';
export { isLoopback } from './domain/address.ts';
export type { Principal } from './domain/principal.ts';
export type { Target } from './domain/target.ts';
export { findProtocol, protocols } from './protocols/registry.ts';
export { rootKeyEnvironment, rootKeyVariable } from './recording/root-key.ts';
