import type { AttributeValue, Attributes } from '../domain/action.ts';
import type { ApprovalNews, LeftApproval } from '../controls/approvals/approvals.ts';
import { answerOf } from '../domain/approval.ts';
import { ownAttributes } from '../domain/own-attributes.ts';
import type { NoticeSink } from '../domain/sink.ts';
import { cut, escapeMrkdwn } from './notice-text.ts';
import type { MailBody } from './send-mail.ts';

/** Most elements of a list in a notice. */
const elementsMax = 50;

/** The facts of a request that leave the house: what it does, and nothing of what it says. */
const toldFacts = {
  effects: ownAttributes.effects,
  statements: ownAttributes.statements,
  reads: ownAttributes.reads,
  writes: ownAttributes.writes,
  tool: 'gen_ai.tool.name',
  model: 'gen_ai.request.model',
  method: 'http.request.method',
} as const;

/** Returns the body of the message about a step of an approval in the form of a sink. `link` is the address of the page about approvals, with `{approval}` in place of the id; null: there is none. */
export function noticeOf(news: ApprovalNews, sink: NoticeSink, link: string | null): string {
  const address = link?.replaceAll('{approval}', news.view.approval) ?? null;
  return JSON.stringify(
    sink.kind === 'webhook' ? webhookBody(news, sink, address) : sink.kind === 'smtp' ? mailBody(news, sink, address) : slackBody(news, sink, address),
  );
}

/** Returns the body of the message that an approval was withdrawn because the gateway started again. Only the ids are known then. */
export function leftNoticeOf(
  { approval, session, record }: LeftApproval,
  { kind }: NoticeSink,
  { link, timeMs }: { readonly link: string | null; readonly timeMs: number },
): string {
  const address = link?.replaceAll('{approval}', approval) ?? null;
  const reason = 'the gateway was restarted';
  const { next } = answerOf(approval, 'withdrawn');
  const data = { approval, state: 'withdrawn', next, session, record, reason, ...(address === null ? {} : { link: address }) };
  const words = `${approval} withdrawn: ${reason}`;
  return JSON.stringify(
    kind === 'webhook'
      ? { type: 'approval.withdrawn', timestamp: new Date(timeMs).toISOString(), data }
      : kind === 'smtp'
        ? ({ subject: words, text: words } satisfies MailBody)
        : { text: words },
  );
}

/** The payload of Standard Webhooks: type, time and data. */
function webhookBody({ step, view, timeMs, by, note }: ApprovalNews, { text }: NoticeSink, link: string | null): object {
  const { approval, session, record, principal, onBehalfOf, target, action, policies, reason, groups, granted, state, requestedMs, expiresMs } = view;
  return {
    type: `approval.${step}`,
    timestamp: new Date(timeMs).toISOString(),
    data: {
      approval,
      state,
      next: answerOf(approval, state).next,
      session,
      record,
      principal,
      onBehalfOf,
      target,
      action,
      does: doingOf(view.attributes),
      policies,
      reason,
      groups,
      granted,
      ...(by === undefined ? {} : { by }),
      requested: new Date(requestedMs).toISOString(),
      expires: new Date(expiresMs).toISOString(),
      command: `countersign approval show ${approval}`,
      ...(link === null ? {} : { link }),
      ...(text ? { text: cut(view.text), ...(note === undefined || note === '' ? {} : { note: cut(note) }) } : {}),
    },
  };
}

/** A message of Slack's incoming webhooks. Everything of a request is plain text, in which Slack looks for no mentions and no links. */
function slackBody(news: ApprovalNews, sink: NoticeSink, link: string | null): object {
  const lines = linesOf(news, sink);
  return {
    text: escapeMrkdwn(lines[0] ?? ''),
    blocks: [
      { type: 'section', text: { type: 'plain_text', emoji: false, text: cut(lines.join('\n')) } },
      ...(link === null ? [] : [{ type: 'actions', elements: [{ type: 'button', text: { type: 'plain_text', text: 'Open the approval' }, url: link }] }]),
    ],
  };
}

function mailBody(news: ApprovalNews, sink: NoticeSink, link: string | null): MailBody {
  const lines = linesOf(news, sink);
  return { subject: cut(lines[0] ?? ''), text: [...lines, ...(link === null ? [] : [link])].join('\n') };
}

/** The lines of a message for people, of which the first says most. */
function linesOf({ step, view, by, note }: ApprovalNews, { text }: NoticeSink): readonly string[] {
  const { approval, principal, onBehalfOf, target, action, reason, groups } = view;
  const who = onBehalfOf === null ? principal : `${principal} for ${onBehalfOf}`;
  const head = `${approval} ${step}${by === undefined ? '' : ` by ${by}`}: ${who} asks ${target} for ${action}`;
  const does = Object.entries(doingOf(view.attributes)).map(([name, value]) => `${name}: ${Array.isArray(value) ? value.join(', ') : String(value)}`);
  const said = text ? [cut(view.text), ...(note === undefined || note === '' ? [] : [cut(note)])] : [];
  return [head, reason, `groups: ${groups.join(', ')}`, ...does, `countersign approval show ${approval}`, ...said];
}

function doingOf(attributes: Attributes): Readonly<Record<string, AttributeValue>> {
  const told = Object.entries(toldFacts).flatMap(([name, attribute]) => {
    const value = attributes[attribute];
    return value === undefined
      ? []
      : [[name, typeof value === 'string' ? cut(value) : typeof value === 'object' ? value.slice(0, elementsMax) : value] as const];
  });
  return Object.fromEntries(told);
}
