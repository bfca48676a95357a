import { useMutation } from '@tanstack/react-query';
import { evidencePage } from '@countersign/ledger/format';
import { useId, type ReactNode } from 'react';
import { askFile, lines } from '../../api/ask.ts';
import { Failure } from '../../parts/Failure.tsx';
import { saveFile } from '../../parts/save-file.ts';
import { texts } from '../../texts.ts';

/** Saves a session as a page that verifies itself without a network. */
export function EvidenceButton({ session }: { readonly session: string }): ReactNode {
  const save = useMutation({ mutationFn: async () => saveEvidence(session) });
  const id = useId();
  return (
    <>
      <button type="button" aria-describedby={id} disabled={save.isPending} onClick={() => save.mutate()}>
        {texts.evidence.save}
      </button>
      <span id={id} className="heard">
        {texts.evidence.what}
      </span>
      {save.error !== null && <Failure error={save.error} />}
    </>
  );
}

async function saveEvidence(session: string): Promise<void> {
  const template = new TextDecoder().decode(await askFile('GET /api/v1/evidence/page'));
  const pieces: string[] = [];
  for await (const piece of evidencePage(template, evidenceLines(session))) {
    pieces.push(piece);
  }
  saveFile(`${session}.html`, 'text/html', pieces.join(''));
}

async function* evidenceLines(session: string): AsyncGenerator<string> {
  for await (const some of lines('GET /api/v1/evidence', { query: { query: `session:${session}` } })) {
    // A line of evidence is exactly as it is printed here.
    yield some.map((line) => `${JSON.stringify(line)}\n`).join('');
  }
}
