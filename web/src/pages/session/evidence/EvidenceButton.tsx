import { useMutation } from '@tanstack/react-query';
import { useId, type ReactNode } from 'react';
import { askFile } from '../../../api/ask.ts';
import { Failure } from '../../../parts/Failure.tsx';
import { texts } from '../../../texts.ts';
import { evidenceFile } from './evidence-file.ts';
// oxlint-disable-next-line import/default -- Vite makes the module of this name, which has the address
import program from './evidence-main.ts?worker&url';

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
  const [bundle, code] = await Promise.all([
    askFile('GET /api/v1/sessions/{session}/bundle', { path: { session } }),
    fetch(program).then(async (file) => file.text()),
  ]);
  const address = URL.createObjectURL(new Blob([evidenceFile(session, bundle.toBase64(), code)], { type: 'text/html' }));
  const link = document.createElement('a');
  link.href = address;
  link.download = `${session}.html`;
  link.click();
  URL.revokeObjectURL(address);
}
