import { GatewayError } from '../domain/errors.ts';
import { ownAttributes } from '../domain/own-attributes.ts';
import type { Recorder } from '../recording/recorder.ts';
import { printMeta } from '../sessions/meta.ts';
import type { Logger } from '../telemetry.ts';
import type { WitnessNews } from '../witnesses/witness-news.ts';

/** Records that the quorum of witnesses, or one of them, is missing for long, disagrees, or is there again. Rules for alerts find it there. */
export function recordWitnessNews(recorder: Recorder, log: Logger, news: WitnessNews): void {
  const { kind, action, reason, attributes } = draftOf(news);
  if (kind === 'alert') {
    log.error({ ...news }, reason);
  } else {
    log.info({ ...news }, 'the log is cosigned again');
  }
  try {
    recorder.append(recorder.own, { kind, meta: printMeta(0, { action, ...(reason === '' ? {} : { reason }), attributes }), content: [] });
  } catch (error) {
    if (!(error instanceof GatewayError)) {
      throw error;
    }
    log.error({ err: error }, 'could not record what became of the witnesses');
  }
}

interface Draft {
  readonly kind: 'alert' | 'event';
  readonly action: string;
  readonly reason: string;
  readonly attributes: Readonly<Record<string, string | number>>;
}

function draftOf(news: WitnessNews): Draft {
  switch (news.what) {
    case 'quorum lost': {
      const reason = `The quorum of witnesses has cosigned nothing since ${new Date(news.sinceMs).toISOString()}.`;
      return { kind: 'alert', action: 'gateway.lose_quorum', reason, attributes: news.size === null ? {} : { [ownAttributes.witnessSize]: news.size } };
    }
    case 'quorum back':
      return { kind: 'event', action: 'gateway.find_quorum', reason: '', attributes: { [ownAttributes.witnessSize]: news.size } };
    case 'witness lost': {
      const reason = `The witness has not cosigned since ${new Date(news.sinceMs).toISOString()}: ${news.why}`;
      return { kind: 'alert', action: 'gateway.lose_witness', reason, attributes: { [ownAttributes.witness]: news.witness } };
    }
    case 'witness disagrees':
      return {
        kind: 'alert',
        action: 'gateway.dispute_log',
        reason: `The witness does not cosign this log: ${news.why}.`,
        attributes: { [ownAttributes.witness]: news.witness },
      };
    default:
      return { kind: 'event', action: 'gateway.find_witness', reason: '', attributes: { [ownAttributes.witness]: news.witness } };
  }
}
