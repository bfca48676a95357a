import type { AlertFacts } from '../alerts/alert.ts';
import type { NoticeSink } from '../domain/sink.ts';
import type { MailBody } from './send-mail.ts';
import { cut, escapeMrkdwn } from './notice-text.ts';

/** An alert was raised, or is open for long and still counts. */
export type AlertNoticeStep = 'raised' | 'continues';

/** Returns the body of the message about an alert in the form of a sink. It has facts alone. */
export function alertNoticeOf(step: AlertNoticeStep, alert: AlertFacts, { kind }: NoticeSink, timeMs: number): string {
  const command = `countersign alert show ${alert.id}`;
  const { id, rule, by, severity, count, records } = alert;
  const [first, last] = [alert.firstMs, alert.lastMs].map((ms) => new Date(ms).toISOString());
  if (kind === 'webhook') {
    const data = { alert: id, rule, by, severity, count, first, last, records, command };
    return JSON.stringify({ type: `alert.${step}`, timestamp: new Date(timeMs).toISOString(), data });
  }
  const head = `${severity} alert ${rule}${step === 'raised' ? '' : ` ${step}`}: ${by.join(', ')}`;
  const lines = [head, `${count} from ${first} to ${last}`, command];
  if (kind === 'smtp') {
    return JSON.stringify({ subject: cut(head), text: lines.join('\n') } satisfies MailBody);
  }
  return JSON.stringify({
    text: escapeMrkdwn(head),
    blocks: [{ type: 'section', text: { type: 'plain_text', emoji: false, text: cut(lines.join('\n')) } }],
  });
}
