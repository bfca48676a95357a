import { MalformedError } from '@countersign/ledger';
import { decodeUtf8, encodeUtf8, parseNote, verifyCosignatures, type PolicyWitness } from '@countersign/ledger/format';
import { askOnce, type OwnAnswer } from '../exchange/ask-once.ts';
import { exchangeBytesMax, formatAddCheckpoint, parseSizeAnswer, type AddCheckpoint } from './add-checkpoint.ts';

/** Most signature lines of an answer. */
const linesMax = 16;

/** A witness that can be asked. */
export type AskedWitness = PolicyWitness & { readonly url: string };

/** The answer of a witness to a request. `size`: so many records it has cosigned last. */
export type WitnessSaid =
  | { readonly said: 'cosigned'; readonly line: string; readonly timeMs: number }
  | { readonly said: 'size'; readonly size: number }
  | { readonly said: 'unproven' }
  | { readonly said: 'unknown key' }
  | { readonly said: 'refused'; readonly why: string };

interface AskOptions {
  readonly signal: AbortSignal;
  /** The longest time in ms until the answer is there. */
  readonly answerMs: number;
  /** The PEM file of the authorities that may have signed the witness's certificate. Null: those of the system. */
  readonly caFile: string | null;
}

/**
 * Asks a witness for its cosignature. A cosignature counts only if it holds. Rejects with GatewayError `target_unreachable` or `target_tls_failed`, or with the
 * signal's reason.
 */
export async function askWitness(witness: AskedWitness, request: AddCheckpoint, { signal, answerMs, caFile }: AskOptions): Promise<WitnessSaid> {
  const url = new URL(`${witness.url.replace(/\/+$/, '')}/add-checkpoint`);
  const answer = await askOnce(url, {
    method: 'POST',
    headers: [['content-type', 'text/plain; charset=utf-8']],
    body: formatAddCheckpoint(request),
    signal,
    answerMs,
    bodyBytesMax: exchangeBytesMax,
    ...(caFile === null ? {} : { caFile }),
    who: `The witness ${witness.name}`,
  });
  switch (answer.status) {
    case 200:
      return readCosignature(witness, request.note, answer);
    case 409: {
      const size = parseSizeAnswer(answer.body);
      return size === null ? refused('it answered 409 and no size') : { said: 'size', size };
    }
    case 422:
      return { said: 'unproven' };
    case 403:
      return { said: 'unknown key' };
    case 404:
      return refused('it does not cosign this log, or no more: give it the line of log/key (404)');
    default:
      return refused(`it answered ${answer.status}`);
  }
}

function refused(why: string): WitnessSaid {
  return { said: 'refused', why };
}

/** Finds the newest cosignature by the key of the witness. Lines by other keys are ignored. */
async function readCosignature({ key }: AskedWitness, note: string, { body, isWhole }: OwnAnswer): Promise<WitnessSaid> {
  try {
    const lines = decodeUtf8(body).split('\n');
    if (!isWhole || lines.pop() !== '' || lines.length > linesMax) {
      return refused('its answer is not some signature lines');
    }
    let newest: WitnessSaid = refused('its answer has no cosignature by its key');
    for (const line of lines) {
      const { held, forged } = await verifyCosignatures(parseNote(encodeUtf8(`${note}${line}\n`)), [key]);
      const [cosignature] = held;
      if (forged.length > 0) {
        return refused('its cosignature does not hold');
      }
      if (cosignature !== undefined && (newest.said !== 'cosigned' || cosignature.timeS * 1000 > newest.timeMs)) {
        newest = { said: 'cosigned', line: `${line}\n`, timeMs: cosignature.timeS * 1000 };
      }
    }
    return newest;
  } catch (error) {
    if (error instanceof MalformedError) {
      return refused(`its answer is not some signature lines: ${error.message}`);
    }
    throw error;
  }
}
