import { z } from 'zod';
import { mayDo, scopeOf, sightOf } from '../../access/rights.ts';
import { GatewayError } from '../../domain/errors.ts';
import { isEverything, nothing } from '../../query/query.ts';
import type { PublishedCheckpoint } from '../../recording/publisher.ts';
import { reports } from '../../reports/catalogue.ts';
import { fillReport, type FilledReport } from '../../reports/fill-report.ts';
import { json } from '../answer.ts';
import { noRight } from '../caller.ts';
import { endpoint } from '../endpoint.ts';
import type { ApiParts } from '../parts.ts';
import { foundEvidence } from '../found-evidence.ts';
import { conditionsOf, fixedPeriod, period } from '../period.ts';
import { recordAccess } from '../recorded-acts.ts';

/** Most records that are named for one query. */
const shownMax = 3;

const filledReport = z
  .object({
    name: z.string(),
    title: z.string(),
    about: z.string(),
    time: z.iso.datetime().describe('When it was made.'),
    since: z.string().nullable(),
    until: z.string().nullable(),
    behind: z
      .int()
      .nullable()
      .describe('How many records are not in the index yet, so that they are not counted. Null: some, but how many is not for who sees only a part.'),
    isPartial: z.boolean().describe('True: whoever made it sees only a part of the records, and it says nothing of the others.'),
    checkpoint: z.string().describe('The signed checkpoint of the log under which the records are.'),
    requirements: z
      .array(
        z.object({
          clause: z.string().describe('Where it is in the text of the regulation.'),
          asks: z.string().describe('What it asks for, in short.'),
          evidence: z
            .array(
              z.object({
                shows: z.string(),
                query: z.string().describe('The records, in the language of searches.'),
                count: z.int().describe('How many there are.'),
                absent: z.string().nullable().describe('What it may mean that there is none; null: there is some.'),
                records: z
                  .array(
                    z.object({
                      record: z.string().describe('`LOG/INDEX`.'),
                      time: z.string(),
                      principal: z.string().nullable(),
                      target: z.string().nullable(),
                      kind: z.string(),
                      action: z.string().nullable(),
                      verdict: z.string().nullable(),
                    }),
                  )
                  .readonly()
                  .describe(`The newest, at most ${shownMax}. Each was opened and compared with its leaf.`),
                unproven: z.int().describe('How many of the newest are not shown, because they are not what the log commits to.'),
              }),
            )
            .readonly(),
          says: z.array(z.string()).readonly().describe('What the configuration in force says to it.'),
          lacks: z.array(z.string()).readonly().describe('What the configuration in force lacks, and why that matters.'),
          beyond: z.string().nullable().describe('What it asks for besides, that no record of a gateway shows.'),
        }),
      )
      .readonly(),
    receipts: z
      .record(z.string(), z.string())
      .describe('The proof of each record that is named, as /api/v1/receipts gives it, without the checkpoint at its end.'),
  } satisfies Record<keyof FilledReport, z.ZodType> & Record<string, z.ZodType>)
  .meta({ id: 'FilledReport', description: 'What the record and the configuration show for the requirements of a regulation. It judges nothing.' });

export type MadeReport = z.output<typeof filledReport>;

export const makeReport = endpoint({
  id: 'makeReport',
  method: 'GET',
  path: '/api/v1/reports/:name',
  summary: 'Says for each requirement of a regulation which records show something for it, with their proofs, and what is missing and why. It is recorded.',
  description: 'Only facts are looked at, and only records that the caller may search. It has no score, and says of nothing that it is enough.',
  callers: 'auditors',
  params: { name: z.string().max(64).describe('The name of a report, as /api/v1/reports lists it.') },
  query: period,
  answer: json(filledReport),
  errors: ['not_found', 'limit_exceeded', 'catching_up', 'store_damaged'],
  act: async (
    { reader, recorder, reportedSettings }: Pick<ApiParts, 'reader' | 'recorder' | 'reportedSettings'>,
    { caller, params: { name }, query: asked },
  ): Promise<MadeReport> => {
    const report = reports.find((each) => each.name === name);
    if (report === undefined) {
      throw new GatewayError('not_found', `There is no report ${name}: there are ${reports.map((each) => each.name).join(', ')}.`);
    }
    if (!mayDo(caller.rights, 'search')) {
      throw new GatewayError('refused', `${caller.id} may not search records, and a report is made of searches: ${noRight}`);
    }
    const nowMs = Date.now();
    const times = fixedPeriod(asked, nowMs);
    await recordAccess(recorder, caller, { what: 'report', act: 'search', session: null, more: { report: name, ...times } });
    const checkpoint = await recorder.publish();
    const wanted = {
      besides: conditionsOf({ since: times.since ?? undefined, until: times.until ?? undefined }),
      nowMs,
      checkpoint,
      limit: shownMax,
      before: null,
      answer: 'records',
      sight: { ...sightOf(caller.rights, 'search'), content: nothing },
    } as const;
    const filled = await fillReport(report, {
      search: async (query) => foundEvidence(reader.search({ ...wanted, query }), checkpoint.size),
      settings: reportedSettings(),
    });
    return {
      ...filled,
      time: new Date(nowMs).toISOString(),
      ...times,
      isPartial: !isEverything(scopeOf(caller.rights, 'search')),
      checkpoint: checkpoint.note,
      receipts: await receiptsOf(filled, checkpoint, reader),
    };
  },
});

/** Makes the proof of each record that a report names, once. The checkpoint, which all have, is cut off their ends. */
async function receiptsOf(
  { requirements }: FilledReport,
  checkpoint: PublishedCheckpoint,
  reader: ApiParts['reader'],
): Promise<Readonly<Record<string, string>>> {
  const named = new Set(requirements.flatMap(({ evidence }) => evidence.flatMap(({ records }) => records.map(({ record }) => record))));
  const receipts: Record<string, string> = {};
  for (const record of named) {
    const receipt = await reader.receipt(Number(record.split('/')[1]), checkpoint);
    receipts[record] = receipt.slice(0, receipt.length - checkpoint.note.length);
  }
  return receipts;
}
