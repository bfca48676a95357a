import { z } from 'zod';
import { forbiddenTo, wholeSight, type Sight } from '../../access/rights.ts';
import { except, nothing } from '../../query/query.ts';
import { answerOf } from '../../domain/approval.ts';
import type { ApprovalView } from '../../controls/approvals/approvals.ts';
import type { ShownRecord } from '../../feed/shown-record.ts';
import type { Reader } from '../../reader/reader.ts';
import { json } from '../answer.ts';
import { approvalSummary, findApproval, ownApproval, summarizeApproval } from '../approvals.ts';
import { endpoint } from '../endpoint.ts';
import type { ApiParts } from '../parts.ts';
import { recordAccess } from '../recorded-acts.ts';
import { shownRecord } from '../shown-record.ts';

/** Most requests before the held one that are shown. */
const beforeMax = 20;
/** Most characters of the text of each of them. */
const charactersMax = 4096;

const grants = z.array(
  z.object({
    by: z.string(),
    groups: z.array(z.string()).readonly().describe('Those of the groups for which this person can stand. Of who broke the glass: the groups that may.'),
    isBreak: z.boolean().describe('True: the one who asked let the request go on, in an emergency.'),
    note: z.string(),
    time: z.iso.datetime(),
    record: z.string().describe('`LOG/INDEX` of the record of the grant.'),
  }),
);

const end = z.object({
  by: z.string().optional().describe('Who denied it. Absent if it was not denied.'),
  reason: z.string().optional().describe('Why it was denied, withdrawn, or expired. Absent if it was used.'),
  time: z.iso.datetime(),
  record: z.string().optional().describe('`LOG/INDEX` of the record of the end. Absent if it could not be recorded.'),
});

const approvalDetails = approvalSummary
  .extend({
    policies: z.array(z.string()).readonly().describe('The policies that hold the request.'),
    reason: z.string(),
    digest: z.string().describe('To which the approval is bound: of the request, who asks, and the policies. In hex.'),
    grants,
    end: end.optional().describe('How the approval ended: `state` says in which way. Absent while it is open.'),
    estimatedRows: z
      .int()
      .min(0)
      .optional()
      .describe(
        'How many rows the request would change, as its target estimates. Absent if that is not known, or not yet: it comes some time after the request.',
      ),
    request: shownRecord.nullable().describe('The record of the request. Null if the request is not in the index.'),
    before: z.array(shownRecord).readonly().describe('The last requests of the session before it, prompts to models among them. Long texts are cut.'),
  })
  .meta({ id: 'ApprovalDetails', description: 'An approval with what is needed to decide on it.' });

export type ApprovalDetails = Omit<z.output<typeof approvalDetails>, 'request' | 'before'> & Story;

/** The record of a held request, and the requests before it. */
interface Story {
  readonly request: ShownRecord | null;
  readonly before: readonly ShownRecord[];
}

export const showApproval = endpoint({
  id: 'showApproval',
  method: 'GET',
  path: '/api/v1/approvals/:approval',
  summary: 'Shows an approval: to those who may decide on it with the request and the session so far, to the one who asked its state and what to do next.',
  description:
    'That somebody read the request is recorded first. Of the requests before it, content that nobody reads alone is not shown, and nothing that policies forbid the reader.',
  callers: 'everybody',
  params: { approval: z.string() },
  answer: json(z.union([approvalDetails, ownApproval])),
  errors: ['not_found', 'catching_up', 'store_damaged'],
  act: async ({ approvals, recorder, reader }: Pick<ApiParts, 'approvals' | 'recorder' | 'reader'>, { caller, params }) => {
    const { view, sight } = findApproval(approvals, params.approval, caller);
    if (sight === 'own') {
      return answerOf(view.approval, view.state);
    }
    await recordAccess(recorder, caller, { what: 'approval', act: 'approve', session: view.session });
    return {
      ...summarizeApproval(view, sight),
      policies: view.policies,
      reason: view.reason,
      digest: view.digest,
      grants: view.grants.map(({ by, groups, isBreak, note, timeMs, record }) => ({ by, groups, isBreak, note, time: new Date(timeMs).toISOString(), record })),
      ...(view.end === null ? {} : { end: describeEnd(view.end) }),
      ...(view.estimatedRows === null ? {} : { estimatedRows: view.estimatedRows }),
      ...(await readStory(reader, view, {
        ofRequest: sight === 'all' ? wholeSight : { ...wholeSight, content: nothing },
        before: { facts: except(forbiddenTo(caller.id, caller.rules, 'facts')), content: sight === 'all' ? caller.contentAlone : nothing },
      })),
    };
  },
});

function describeEnd({ by, reason, timeMs, record }: NonNullable<ApprovalView['end']>): z.output<typeof end> {
  return {
    ...(by === null ? {} : { by }),
    ...(reason === '' ? {} : { reason }),
    time: new Date(timeMs).toISOString(),
    ...(record === null ? {} : { record }),
  };
}

/** Reads the record of a held request, and the requests before it: of both as much as may be seen. */
async function readStory(reader: Reader, { session, seq }: ApprovalView, sight: { readonly ofRequest: Sight; readonly before: Sight }): Promise<Story> {
  const before: ShownRecord[] = [];
  const found = await reader.find(session);
  for await (const record of recordsOf(reader.show(found, null, sight.before))) {
    if (record.seq >= seq) {
      break;
    }
    if (record.kind === 'request') {
      before.push(shortened(record));
      before.splice(0, before.length - beforeMax);
    }
  }
  for await (const request of recordsOf(reader.show(found, seq, sight.ofRequest))) {
    return { request, before };
  }
  return { request: null, before };
}

async function* recordsOf(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<ShownRecord> {
  for await (const piece of pieces) {
    for (const line of Buffer.from(piece).toString().split('\n')) {
      if (line !== '') {
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the thread that reads made it of a ShownRecord
        yield JSON.parse(line) as ShownRecord;
      }
    }
  }
}

function shortened(record: ShownRecord): ShownRecord {
  const { content } = record;
  if (content === null) {
    return record;
  }
  const { text = '', mediaType, bytes } = content;
  return { ...record, content: { mediaType, bytes, text: text.length <= charactersMax ? text : `${text.slice(0, charactersMax).toWellFormed()}…` } };
}
