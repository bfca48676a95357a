import { ocsfEvent } from '../exports/ocsf.ts';
import { otlpLogs } from '../exports/otlp.ts';
import type { ExportedRecord } from '../search/found.ts';

/** The forms of an export, one JSON object a line: an event of OCSF, a request of OTLP, or the record as a search finds it, with its text. */
export const exportForms = ['ocsf', 'otlp', 'rows'] as const;

export type ExportForm = (typeof exportForms)[number];

/** Yields the records in a form. */
export async function* exportLines(records: AsyncIterable<ExportedRecord>, form: ExportForm): AsyncGenerator<object> {
  for await (const record of records) {
    yield lineOf(record, form);
  }
}

function lineOf(record: ExportedRecord, form: ExportForm): object {
  switch (form) {
    case 'ocsf':
      return ocsfEvent(record);
    case 'otlp':
      return otlpLogs([record]);
    default: {
      const { snippet: _, ...found } = record.found;
      return { ...found, text: record.shown.content?.text ?? null };
    }
  }
}
