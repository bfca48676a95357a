import type { ApprovalNews, LeftApproval } from '../controls/approvals/approvals.ts';
import type { Attributes } from '../domain/action.ts';
import { GatewayError } from '../domain/errors.ts';
import { ownAttributes } from '../domain/own-attributes.ts';
import type { Config } from '../config/config.ts';
import { leftNoticeOf, noticeOf } from '../outbox/approval-notice.ts';
import { OutboxFile } from '../outbox/outbox-file.ts';
import { Outbox, type Outcome } from '../outbox/outbox.ts';
import type { KeyStore } from '../recording/key-store.ts';
import type { Recorder } from '../recording/recorder.ts';
import { printMeta } from '../sessions/meta.ts';
import type { Logger } from '../telemetry.ts';

/** Most messages of which each has a record of its own when many are given up together. */
const namedMax = 100;

interface NoticeParts {
  readonly data: string;
  readonly keys: KeyStore;
  readonly recorder: Recorder;
  readonly config: () => Config;
  readonly log: Logger;
}

/** Opens the outbox of a gateway. What becomes of a message is recorded in the gateway's own session, and a failure is said in the log. */
export function openOutbox({ data, keys, recorder, config, log }: NoticeParts): Outbox {
  const note = (kind: 'event' | 'alert', { action, reason }: { readonly action: string; readonly reason?: string }, attributes: Attributes): void => {
    try {
      recorder.append(recorder.own, { kind, meta: printMeta(0, { action, ...(reason === undefined ? {} : { reason }), attributes }), content: [] });
    } catch (error) {
      if (!(error instanceof GatewayError)) {
        throw error;
      }
      log.error({ err: error }, 'could not record what became of a notice');
    }
  };
  const onOutcome = (outcome: Outcome): void => {
    if (outcome.what === 'sent') {
      const { sink, id, about } = outcome.message;
      const attributes = { [ownAttributes.sink]: sink, [ownAttributes.notice]: id, ...about };
      note('event', { action: 'gateway.send_notice' }, { ...attributes, 'http.response.status_code': outcome.status });
      return;
    }
    if (outcome.what === 'failing') {
      const { sink, id, about } = outcome.message;
      log.error({ sink, notice: id, reason: outcome.why }, 'a sink does not take a notice; it is tried again');
      const attributes = { [ownAttributes.sink]: sink, [ownAttributes.notice]: id, ...about };
      note('alert', { action: 'gateway.delay_notice', reason: outcome.why }, attributes);
      return;
    }
    const { sink, messages, why } = outcome;
    log.error({ sink, notices: messages.length, reason: why }, 'notices are given up');
    if (messages.length === 0) {
      note('alert', { action: 'gateway.drop_notice', reason: why }, sink === '' ? {} : { [ownAttributes.sink]: sink });
    }
    for (const { id, about } of messages.slice(0, namedMax)) {
      note('alert', { action: 'gateway.drop_notice', reason: why }, { [ownAttributes.sink]: sink, [ownAttributes.notice]: id, ...about });
    }
  };
  return new Outbox({
    file: new OutboxFile(data, keys.outboxKey()),
    sinks: () => config().sinks,
    whenRecorded: (act) => {
      recorder.whenCommitted('process', act);
    },
    onOutcome,
    now: Date.now,
  });
}

/** Sends notices of approvals that were open when the gateway ended, and that this start has withdrawn. */
export function tellLeft(outbox: Outbox, { approvals: { notify, link } }: Config, left: readonly LeftApproval[]): void {
  const timeMs = Date.now();
  for (const sink of notify) {
    for (const each of left) {
      outbox.add(sink, { [ownAttributes.approvalId]: each.approval }, (to) => leftNoticeOf(each, to, { link, timeMs }));
    }
  }
}

/** Sends notices of a step of an approval to the sinks that the configuration names. */
export function tellSinks(outbox: Outbox, { approvals: { notify, link } }: Config, news: ApprovalNews): void {
  for (const sink of notify) {
    outbox.add(sink, { [ownAttributes.approvalId]: news.view.approval }, (to) => noticeOf(news, to, link));
  }
}
