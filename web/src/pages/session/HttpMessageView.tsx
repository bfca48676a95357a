import type { ReactNode } from 'react';
import { Later } from '../../parts/Later.tsx';
import { Recorded } from '../../parts/Recorded.tsx';
import { texts } from '../../texts.ts';
import { readHttpMessage } from './http-message.ts';

/** A message of HTTP: what it is, its head for who opens it, and its body. */
export function HttpMessageView({ text, as }: { readonly text: string; readonly as: 'asked' | 'answer' }): ReactNode {
  const { first, head, body } = readHttpMessage(text);
  return (
    <div className={as}>
      <strong>
        <Recorded text={first} />
      </strong>
      {head.length > 0 && (
        <Later className="opened" summary={texts.session.head(head.length)}>
          <pre>
            <Recorded text={head.join('\n')} />
          </pre>
        </Later>
      )}
      {body !== '' && (
        <pre>
          <Recorded text={body} />
        </pre>
      )}
    </div>
  );
}
