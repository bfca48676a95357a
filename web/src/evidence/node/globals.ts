import { Buffer } from './node-buffer.ts';

// Modules that are loaded after this one look for the `Buffer` of Node, and zod asks whether it may make functions of texts, which the policy of the page forbids.
Object.assign(globalThis, { Buffer, __zod_globalConfig: { jitless: true } });
