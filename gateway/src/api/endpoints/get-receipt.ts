import { z } from 'zod';
import { scopeOf } from '../../access/rights.ts';
import { coseMediaType, formReceipt, receiptForms } from '../../feed/receipt-forms.ts';
import { isEverything } from '../../query/query.ts';
import { findStamped } from '../../timestamps/stamped-files.ts';
import type { PlainAnswer } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import { recordPlace } from '../input.ts';
import type { ApiParts } from '../parts.ts';
import { locateSeen, requireLog } from '../readings.ts';

type Form = (typeof receiptForms)[number];

const textMediaType = 'text/plain; charset=utf-8';
const answer: PlainAnswer<{ readonly form: Form; readonly content: Uint8Array }> = {
  contents: { 200: [textMediaType, coseMediaType].map((mediaType) => ({ mediaType, schema: null })) },
  respond: ({ form, content }) => new Response(new Uint8Array(content), { headers: { 'content-type': form === 'tlog' ? textMediaType : coseMediaType } }),
};

export const getReceipt = endpoint({
  id: 'getReceipt',
  method: 'GET',
  path: '/api/v1/receipts/:log/:index',
  summary: 'Returns the proof that a record is in the log.',
  callers: 'facts',
  params: recordPlace,
  query: {
    form: z
      .enum(receiptForms)
      .default('tlog')
      .describe(
        '`tlog`: a C2SP tlog-proof. `cose`: a receipt of inclusion (RFC 9942) in CBOR, whose entry is the leaf. `scitt`: a signed statement in CBOR that has the leaf as its payload, and that receipt.',
      ),
    stamped: z
      .string()
      .optional()
      .describe('With any value, it is of the first checkpoint over the record that has a timestamp; in the form `tlog` that has it.'),
  },
  answer,
  errors: ['not_found', 'catching_up', 'store_damaged'],
  act: async (parts: Pick<ApiParts, 'data' | 'keys' | 'reader' | 'recorder'>, { caller, params: { log, index }, query: { form, stamped } }) => {
    const { data, keys, reader, recorder } = parts;
    requireLog(recorder, log);
    if (!isEverything(scopeOf(caller.rights, 'facts'))) {
      await locateSeen(parts, caller, { act: 'facts', index });
    }
    const checkpoint = stamped === undefined ? await recorder.publish() : await findStamped(data, index);
    return { form, content: formReceipt(await reader.receipt(index, checkpoint), form, keys) };
  },
});
