import { z } from 'zod';
import type { Trace } from '../feed/record-trace.ts';
import { shownRecord } from './shown-record.ts';

const place = {
  record: z.string().describe('`LOG/INDEX`'),
  session: z.string().nullable().describe('Null, as all that follows: the record is not there, or not for the caller.'),
  seq: z.int().nullable(),
  time: z.iso.datetime().nullable(),
  target: z.string().nullable(),
  action: z.string().nullable().describe('The action of the request, also on its answer.'),
};

const carrier = {
  ...place,
  verdict: z.string().nullable().describe('Of a request that was held, what became of it.'),
  policies: z.array(z.string()).readonly(),
};

const carriers = z.array(z.object(carrier).meta({ id: 'Carrier', description: 'A request that carried a value.' })).readonly();

const tie = z
  .object({
    ...carrier,
    call: z.string().nullable().describe('The id that the model gave to the tool call; null if no call is named.'),
    isCertain: z.boolean().describe('False: nobody named the call; it was running, and nothing contradicts it.'),
  })
  .meta({ id: 'Tie', description: 'A request that was made for another one, or that other one.' });

const shape = {
  record: shownRecord.describe('The record that was asked about, without content.'),
  side: z
    .enum(['request', 'answer'])
    .nullable()
    .describe('A request brings what it carries and what came in its answer, an answer what came in it. Null: the record belongs to no request.'),
  values: z
    .array(
      z
        .object({
          class: z.string(),
          print: z.string().describe('A keyed digest of the value, by which two values are told apart.'),
          source: z.string().describe('Where the value came from, as `shop/crm.customers.email`.'),
          from: z.object(place).describe('The record in which the value came first.'),
          carriedBy: carriers,
          carriersLeftOut: z.int().describe('How many further requests carried it.'),
        })
        .meta({ id: 'TracedValue', description: 'Where a value came first, and the requests that carried it since.' }),
    )
    .readonly(),
  causedBy: tie.nullable().describe('The request for which that of the record was made.'),
  caused: z.array(tie).readonly().describe('The requests that were made for it.'),
  causedLeftOut: z.int(),
  isCut: z.boolean().describe('True: more values were found in the request than its record names one by one.'),
  forgetsFrom: z.int().nullable().describe('The number of the record of its session from which on further values are not followed.'),
  sessions: z.array(z.string()).readonly().describe('The sessions that were read for it.'),
  isWholeActivity: z.boolean().describe('False: the activity has more sessions than are read.'),
} satisfies Record<keyof Trace, z.ZodType>;

export const recordTrace = z
  .object(shape)
  .meta({ id: 'RecordTrace', description: 'Where the values of a record came from and went, and what it was made for.' });
