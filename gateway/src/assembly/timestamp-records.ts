import { GatewayError } from '../domain/errors.ts';
import { ownAttributes } from '../domain/own-attributes.ts';
import type { Recorder } from '../recording/recorder.ts';
import { printMeta } from '../sessions/meta.ts';
import type { Logger } from '../telemetry.ts';
import type { TimestampNews } from '../timestamps/timestamping.ts';

/** Records that a timestamp is due for long, or that there are timestamps again. Rules for alerts find it there. */
export function recordTimestampNews(recorder: Recorder, log: Logger, news: TimestampNews): void {
  const isLost = news.what === 'timestamps lost';
  const reason = isLost ? `The authority of timestamps has given none since ${new Date(news.sinceMs).toISOString()}: ${news.why}` : '';
  if (isLost) {
    log.error({ ...news }, reason);
  } else {
    log.info({ ...news }, 'the log is stamped again');
  }
  const meta = isLost
    ? printMeta(0, { action: 'gateway.lose_timestamps', reason, attributes: {} })
    : printMeta(0, { action: 'gateway.find_timestamps', attributes: { [ownAttributes.timestampSize]: news.size } });
  try {
    recorder.append(recorder.own, { kind: isLost ? 'alert' : 'event', meta, content: [] });
  } catch (error) {
    if (!(error instanceof GatewayError)) {
      throw error;
    }
    log.error({ err: error }, 'could not record what became of the timestamps');
  }
}
