import { z } from 'zod';
import type { ShownRecord } from '../feed/shown-record.ts';

const attribute = z.union([z.string(), z.number(), z.boolean(), z.array(z.string()).readonly()]);

const content = z.object({
  mediaType: z.string(),
  text: z.string().optional().describe('The text that a person reads. It contains control characters as they were recorded.'),
  base64: z.string().optional().describe('The bytes, if they are not text.'),
  bytes: z.int().describe('The number of recorded bytes.'),
  tables: z
    .array(
      z.object({
        columns: z.array(z.string()).readonly().nullable().describe('The names of the columns. Null: they are not known.'),
        rows: z.array(z.array(z.string()).readonly()).readonly(),
      }),
    )
    .readonly()
    .optional()
    .describe('The rows in the text. Only for who asks for `tables`.'),
});

const shape = {
  session: z.string(),
  seq: z.int().describe('The number of the record in its session, from 0 on.'),
  time: z.iso.datetime().describe('UTC, with milliseconds.'),
  channel: z.int().nullable(),
  target: z.string().nullable(),
  protocol: z.string().nullable(),
  kind: z.string().describe('The kind of the record: `open`, `decision`, `event`, `request`, `response` ...'),
  action: z.string().nullable().describe("The action that was asked for, from the protocol's own catalogue."),
  principal: z.string().nullable(),
  verdict: z.string().nullable(),
  policies: z.array(z.string()).readonly(),
  attributes: z.record(z.string(), attribute).describe('Facts, under the attribute names of OpenTelemetry.'),
  content: content.nullable(),
  record: z.string().describe('`LOG/INDEX`: the path of its receipt.'),
} satisfies Record<keyof ShownRecord, z.ZodType>;

/** A part of a query. */
export const withTables = z.string().optional().describe('With any value, rows are shown as tables too, beside the text.');

export const shownRecord = z.object(shape).meta({ id: 'ShownRecord', description: 'A record of a session in readable form.' });
