/** Functions that read, explain and edit the configuration of a gateway. */
export { summarizeTarget } from '../api/target-summary.ts';
export type { Config } from '../config/config.ts';
export { addToConfig, type ConfigEntry } from '../config/edit.ts';
export { parseConfig, readConfig } from '../config/parse.ts';
export { isLoopback } from '../domain/address.ts';
export type { DataClass } from '../domain/data-class.ts';
export type { Group, Issuer } from '../domain/issuer.ts';
export type { Role } from '../access/roles.ts';
export type { Principal } from '../domain/principal.ts';
export { takesNotices, type Sink } from '../domain/sink.ts';
export type { Target } from '../domain/target.ts';
export { findProtocol, protocols } from '../protocols/registry.ts';
export { seemsLinkLocal } from '../wire/link-local.ts';
