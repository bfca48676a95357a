import type { AlertNews } from '../alerts/alert-watch.ts';
import { alertActions, attributesOfAlert } from '../alerts/alert.ts';
import type { Attributes } from '../domain/action.ts';
import { GatewayError } from '../domain/errors.ts';
import { ownAttributes } from '../domain/own-attributes.ts';
import { alertNoticeOf } from '../outbox/alert-notice.ts';
import type { Outbox } from '../outbox/outbox.ts';
import type { Recorder } from '../recording/recorder.ts';
import { printMeta } from '../sessions/meta.ts';
import type { Logger } from '../telemetry.ts';

/** Most alerts that are remembered as recorded, so that one that is told twice is recorded once. */
const recordedMax = 1000;

interface AlertParts {
  readonly recorder: Recorder;
  readonly outbox: Outbox;
  readonly log: Logger;
  readonly now: () => number;
}

/** Makes what records alerts in the gateway's own session, and sends notices of them to their sinks. On a full disk an alert is told again until it can be recorded: what is reserved is for acts of operators. */
export function alertRecording({ recorder, outbox, log, now }: AlertParts): (news: readonly AlertNews[]) => void {
  const recorded = new Set<string>();
  const record = (each: AlertNews): void => {
    const { alert, to, what } = each;
    const isNoticed = what === 'raise' || each.isNoticed;
    const about: Attributes = { [ownAttributes.alertId]: alert.id };
    const attributes = { ...attributesOfAlert(alert), ...(to.length === 0 || !isNoticed ? {} : { [ownAttributes.alertSinks]: to }) };
    const meta = printMeta(0, { action: alertActions[what], attributes });
    recorder.append(recorder.own, { kind: what === 'raise' ? 'alert' : 'event', meta, content: [] });
    // A sink is not told of what it cannot take.
    for (const sink of isNoticed ? to.filter((name) => !alert.by.includes(`${ownAttributes.sink}=${name}`)) : []) {
      outbox.add(sink, about, (found) => alertNoticeOf(what === 'raise' ? 'raised' : 'continues', alert, found, now()));
    }
  };
  return (news) => {
    for (const each of news) {
      const isAgain = each.what === 'raise' && recorded.has(each.alert.id);
      try {
        if (!isAgain) {
          record(each);
        }
      } catch (error) {
        if (!(error instanceof GatewayError)) {
          throw error;
        }
        // The watch tells it again.
        log.error({ err: error, alert: each.alert.id, rule: each.alert.rule }, 'an alert could not be recorded; it is tried again');
        continue;
      }
      recorded.add(each.alert.id);
      for (const id of recorded.size > recordedMax ? recorded : []) {
        recorded.delete(id);
        break;
      }
    }
  };
}
