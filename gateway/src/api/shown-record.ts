import { z } from 'zod';
import type { ShownRecord } from '../feed/shown-record.ts';

const attribute = z.union([z.string(), z.number(), z.boolean(), z.array(z.string()).readonly()]);

const content = z.object({
  mediaType: z.string(),
  text: z.string().optional().describe('The text that a person reads. It contains control characters as they were recorded.'),
  base64: z.string().optional().describe('The bytes, if they are not text.'),
  bytes: z.int().describe('The number of recorded bytes.'),
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

export const shownRecord = z.object(shape).meta({ id: 'ShownRecord', description: 'A record of a session in readable form.' });
