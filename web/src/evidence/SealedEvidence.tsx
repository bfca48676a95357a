import { decryptBytes } from '@countersign/gateway/age';
import { bytesOfArmor } from '@countersign/ledger/format';
import { useMutation } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { texts } from '../texts.ts';
import { EvidenceFile } from './EvidenceFile.tsx';

/** Evidence that is encrypted with age: it asks for an identity, and shows what that opens. The identity is kept nowhere. */
export function SealedEvidence({ text }: { readonly text: string }): ReactNode {
  const opened = useMutation({ mutationFn: async (identity: string) => decrypt(text, identity) });
  return opened.data === undefined ? (
    <main className="evidence">
      <h1>{texts.evidence.sealed}</h1>
      <p>{texts.evidence.sealedFor}</p>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const identity = new FormData(event.currentTarget).get('identity');
          opened.mutate(typeof identity === 'string' ? identitiesIn(identity) : '');
        }}
      >
        <label>
          {texts.evidence.identity} <input name="identity" type="password" autoComplete="off" spellCheck={false} required />
        </label>{' '}
        <button type="submit" disabled={opened.isPending}>
          {texts.evidence.decrypt}
        </button>
      </form>
      {opened.error !== null && <p role="alert">{texts.evidence.notDecrypted}</p>}
    </main>
  ) : (
    <EvidenceFile bytes={opened.data} />
  );
}

/** Finds the identities in what was pasted: one alone, or the file of age-keygen, whose lines a field of one line has joined. */
function identitiesIn(pasted: string): string {
  return (pasted.match(/AGE-SECRET-KEY-(?:PQ-)?1[0-9A-Z]+?(?=AGE-SECRET-KEY-|[^0-9A-Z]|$)/gi) ?? [pasted.trim()]).join('\n');
}

async function decrypt(text: string, identity: string): Promise<Uint8Array> {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  for await (const piece of decryptBytes(bytesOfArmor(text.trimEnd().split('\n')), identity)) {
    pieces.push(Uint8Array.from(piece));
  }
  return new Uint8Array(await new Blob(pieces).arrayBuffer());
}
