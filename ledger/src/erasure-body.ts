/** The clear body of an `erasure`. Normative: docs/formats/leaf.md. */
import { parseGovernanceBody, type GovernanceBody } from './governance.ts';

/** A class key that is destroyed: its retention class, its day, and the SHA-256 of the wrapped key as 64 hex digits. */
type ErasedKey = readonly [retentionClass: number, day: number, wrapped: string];

/** One secret of a row of the key store: slot 1 opens facts, 2 contents. */
export type ErasedSecret = readonly [key: number, slot: number];

/** `expired`: the day has passed. `erased`: somebody asked for it. `released`: a hold ended. */
export type ErasureCause = 'expired' | 'erased' | 'released';

/** Says what is going to be destroyed. */
export interface ErasureIntent {
  readonly cause: ErasureCause;
  readonly keys: readonly ErasedKey[];
  readonly secrets: readonly ErasedSecret[];
  /** The places outside of the store where copies of these keys are. */
  readonly copies: readonly string[];
}

/** An intent; or the index in the log of the intent that was carried out, and the secrets of it that stay, because a hold keeps them that was set before they were destroyed. */
export type ErasureBody =
  | { readonly phase: 'intent'; readonly intent: ErasureIntent }
  | { readonly phase: 'complete'; readonly intent: number; readonly kept: readonly ErasedSecret[] };

/** Prints the body of an `erasure`. */
export function formatErasure(body: ErasureBody): string {
  if (body.phase === 'intent') {
    return JSON.stringify({ phase: body.phase, ...body.intent });
  }
  const { kept, ...complete } = body;
  return JSON.stringify(kept.length === 0 ? complete : { ...complete, kept });
}

/** Parses the body of an `erasure`. Throws `MalformedError`. */
export function parseErasureBody(bytes: Uint8Array): ErasureBody {
  return readErasureBody(parseGovernanceBody('erasure', bytes));
}

/** Reads the body of an `erasure` that was parsed already. */
export function readErasureBody({ phase, intent, kept, cause, keys, secrets, copies }: GovernanceBody): ErasureBody {
  if (phase === 'complete') {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it was checked by the shape of a completion
    return { phase, intent: Number(intent), kept: (kept ?? []) as readonly ErasedSecret[] };
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the members were checked by the shape of an intent
  return { phase: 'intent', intent: { cause, keys, secrets, copies } as ErasureIntent };
}
