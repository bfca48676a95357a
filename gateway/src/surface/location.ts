/** Finding a gateway and its files by its configuration, which need not be valid. Every command loads this: it must stay small. */
export { findData, findSecretVariables, hasSharedStore } from '../config/find.ts';
export { faultOfWebAddress } from '../domain/web-address.ts';
export { isStoreInUse } from '../store/store-lock.ts';
