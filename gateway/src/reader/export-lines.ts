import { randomBytes } from 'node:crypto';
import { originOf } from '@countersign/ledger/format';
import { ocsfEvent } from '../exports/ocsf.ts';
import { attestEvents } from '../exports/ocsf-integrity.ts';
import { otlpLogs } from '../exports/otlp.ts';
import type { ExportedRecord } from '../search/found.ts';

const nonceBytes = 16;

/** The forms of an export, one JSON object a line: an event of OCSF, a request of OTLP, or the record as a search finds it, with its text. */
export const plainForms = ['ocsf', 'otlp', 'rows'] as const;

/** A form in which each line is made of its record alone, or events of OCSF that are attested as parts of a chain. */
export type ExportForm = (typeof plainForms)[number] | AttestedForm;

interface AttestedForm {
  /** 16 hex digits. */
  readonly log: string;
  /** The index of the record of the export, by which the chain is named. */
  readonly access: number;
}

/** Yields the records in a form. */
export async function* exportLines(records: AsyncIterable<ExportedRecord>, form: ExportForm): AsyncGenerator<object> {
  const lineOf = lineMaker(form);
  for await (const record of records) {
    yield lineOf(record);
  }
}

function lineMaker(form: ExportForm): (record: ExportedRecord) => object {
  switch (form) {
    case 'ocsf':
      return ocsfEvent;
    case 'otlp':
      return (record) => otlpLogs([record]);
    case 'rows':
      return ({ found, shown }) => {
        const { snippet: _, ...rest } = found;
        return { ...rest, text: shown.content?.text ?? null };
      };
    default: {
      const attest = attestEvents({ uid: `${form.log}/${form.access}`, nonce: randomBytes(nonceBytes).toString('hex'), authority: originOf(form.log) });
      return (record) => attest(ocsfEvent(record));
    }
  }
}
