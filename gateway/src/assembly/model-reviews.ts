import { setTimeout as delay } from 'node:timers/promises';
import { sightOf, withoutGuarded } from '../access/rights.ts';
import type { Caller } from '../api/caller.ts';
import { beginRun } from '../api/begin-run.ts';
import { heldBy, noRules, rightsHeld } from '../api/held-rights.ts';
import type { ApiParts } from '../api/parts.ts';
import { openReading } from '../api/readings.ts';
import { findReviews } from '../api/reviews.ts';
import { runEnd } from '../api/runs.ts';
import type { ReviewModel } from '../config/config.ts';
import { GatewayError } from '../domain/errors.ts';
import { ownAttributes } from '../domain/own-attributes.ts';
import { askOnce } from '../exchange/ask-once.ts';
import type { ShownRecord } from '../feed/shown-record.ts';
import { nothing } from '../query/query.ts';
import { suggestAction } from '../search/reviews.ts';
import { recordOwnDecision } from '../sessions/own-decision.ts';
import type { Logger } from '../telemetry.ts';
import { readSuggestion, reviewQuestion, timelineCharactersMax } from './review-suggestion.ts';

/** While no model is named, it is looked this often whether one is. */
const idleMs = 5000;
/** Sessions that began longer ago are not asked about. */
const since = '30d';
/** The longest time in ms until a model has answered, and most bytes of its answer. */
const answerMs = 120_000;
const answerBytesMax = 256 * 1024;
/** Most sessions that are remembered as asked about without an answer that can be read. Such a session is asked about again after a few looks, each time after twice as many. */
const failedMax = 10_000;
const restLooksMax = 64;

interface ModelReviewsParts {
  readonly api: ApiParts;
  readonly settings: () => ReviewModel | null;
  readonly log: Logger;
  /** Aborts when the gateway stops. */
  readonly signal: AbortSignal;
}

/**
 * Asks a model behind this gateway about sessions that are to be reviewed, and records what it suggests. It asks as a principal does: within a run, over the
 * gateway's own port, under policy and on record. It sees what the role of that principal shows. Nothing depends on the answers.
 */
export async function suggestReviews({ api, settings, log, signal }: ModelReviewsParts): Promise<void> {
  const failed = new Map<string, Rest>();
  while (!signal.aborted) {
    const model = settings();
    if (model !== null) {
      await look(api, model, { failed, log, signal }).catch((error: unknown) => {
        if (!signal.aborted) {
          log.warn({ err: error }, 'no session could be reviewed by a model; it is tried again');
        }
      });
    }
    await delay(model?.everyMs ?? idleMs, null, { ref: false, signal }).catch(() => undefined);
  }
}

/** How many looks pass until a session is asked about again, and how many of these are left. */
interface Rest {
  readonly looks: number;
  left: number;
}

interface Looking {
  readonly failed: Map<string, Rest>;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

async function look(api: ApiParts, model: ReviewModel, { failed, log, signal }: Looking): Promise<void> {
  const caller = callerOf(api, model);
  const { sessions } = await findReviews(api, { since, threshold: model.threshold }, { ...sightOf(caller.rights, 'list'), content: nothing });
  // People alone review the sessions in which the model is asked: otherwise it would be asked about its own answers for ever.
  const askedIn = new Set(sessions.flatMap(({ suggestion }) => suggestion?.asked ?? []));
  const wanted = sessions.filter(
    ({ session, principal, review, suggestion }) =>
      principal !== model.as && !askedIn.has(session) && review === null && suggestion === null && !isResting(failed.get(session)),
  );
  for (const { session } of wanted.slice(0, model.most)) {
    signal.throwIfAborted();
    try {
      await suggest(api, model, { caller, session, signal });
    } catch (error) {
      signal.throwIfAborted();
      const looks = Math.min(restLooksMax, 2 * (failed.get(session)?.looks ?? 1));
      failed.delete(session);
      failed.set(session, { looks, left: looks });
      const [oldest = ''] = failed.size > failedMax ? failed.keys() : [];
      failed.delete(oldest);
      log.warn({ session, reason: error instanceof Error ? error.message : String(error) }, 'a model gave no suggestion about a session');
    }
  }
}

/** Counts a look. True: the session is not asked about in it. */
function isResting(rest: Rest | undefined): boolean {
  if (rest !== undefined) {
    rest.left -= 1;
  }
  return rest !== undefined && rest.left >= 0;
}

/** The principal that asks, with what its roles let it read of recordings. */
function callerOf(api: ApiParts, { as }: ReviewModel): Caller {
  const address = '127.0.0.1';
  const principal = api.principals().get(as);
  const held = principal === undefined ? { roles: [], rules: noRules } : heldBy(api, { principal, onBehalfOf: null, address });
  return {
    id: as,
    onBehalfOf: null,
    address,
    standing: null,
    rights: withoutGuarded(rightsHeld(held, as), { classes: api.guardedClasses(), opened: [] }),
    rules: held.rules,
    contentOfTwo: nothing,
    contentAlone: nothing,
    check: () => undefined,
    requireFresh: () => undefined,
  };
}

interface Wanted {
  readonly caller: Caller;
  readonly session: string;
  readonly signal: AbortSignal;
}

async function suggest(api: ApiParts, { as, target, model }: ReviewModel, { caller, session, signal }: Wanted): Promise<void> {
  const { found, sight } = await openReading(api, caller, { act: 'facts', what: 'suggest', session });
  const timeline = await timelineOf(api.reader.show(found, null, sight));
  const run = await beginRun(api, caller, { principal: as, targets: [target], command: `review of ${session}`, recordOutput: false });
  try {
    const { status, body } = await askOnce(new URL(`${ownAddress(api)}/t/${target}/v1/chat/completions`), {
      method: 'POST',
      headers: [
        ['authorization', `Bearer ${run.token}`],
        ['content-type', 'application/json'],
      ],
      body: JSON.stringify({ model, messages: reviewQuestion(timeline) }),
      signal,
      answerMs,
      bodyBytesMax: answerBytesMax,
      isOwn: true,
      who: `The target ${target}`,
    });
    if (status !== 200) {
      throw new GatewayError('target_unreachable', `The answer has the status ${status}: session ${run.session} says why.`);
    }
    const { risk, records } = readSuggestion(JSON.parse(body.toString()), found.records);
    await recordOwnDecision(api.recorder, {
      action: suggestAction,
      verdict: 'allow',
      attributes: {
        'user.id': as,
        'gen_ai.request.model': model,
        [ownAttributes.reviewSession]: session,
        [ownAttributes.reviewRecords]: found.records,
        [ownAttributes.reviewRisk]: risk,
        [ownAttributes.reviewFound]: records.map(String),
        [ownAttributes.reviewAsked]: run.session,
      },
    });
  } finally {
    api.sessions.find(run.session)?.end(runEnd);
  }
}

/** Prints the records that are seen, one below the other, as far as a model is asked about them. */
async function timelineOf(pieces: AsyncIterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  let rest = '';
  for await (const piece of pieces) {
    const lines = `${rest}${decoder.decode(piece, { stream: true })}`.split('\n');
    rest = lines.pop() ?? '';
    text += lines.map((line) => `${lineOf(JSON.parse(line))}\n`).join('');
    if (text.length > timelineCharactersMax) {
      break;
    }
  }
  return text;
}

function lineOf({ seq, time, kind, action, target, verdict, policies, attributes, content }: ShownRecord): string {
  const said = content !== null && 'text' in content ? ` ${content.text}` : '';
  return `#${seq} ${[time, kind, action, target, verdict, policies.join(',')].filter((part) => part !== null && part !== '').join(' ')} ${JSON.stringify(attributes)}${said}`;
}

/** The address of the gateway on this machine. Throws GatewayError `conflict` if it listens on no port for HTTP. */
function ownAddress({ addresses, isEncrypted }: ApiParts): string {
  const { http } = addresses();
  if (http === undefined) {
    throw new GatewayError('conflict', 'A model is asked over the gateway itself, which listens on no port for HTTP: set listen.http.');
  }
  return `${isEncrypted ? 'https' : 'http'}://${http.replace(/^0\.0\.0\.0:/, '127.0.0.1:').replace(/^\[::\]:/, '[::1]:')}`;
}
