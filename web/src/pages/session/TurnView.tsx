import type { ReactNode } from 'react';
import type { Schemas } from '../../api/schema.ts';
import { Recorded } from '../../parts/Recorded.tsx';
import { texts } from '../../texts.ts';
import { ActView } from './ActView.tsx';
import type { Act, Turn } from './joined-timeline.ts';
import { MediaView } from './MediaView.tsx';
import type { Message, MessagePart } from './messages.ts';

const roles: ReadonlyMap<string, string> = new Map(Object.entries(texts.session.roles));

/** Where a message is: what its tool calls have caused, and the records whose bytes have what is in it. */
interface Place {
  readonly caused: Turn['caused'];
  readonly records: readonly Schemas['ShownRecord'][];
}

/** A turn of a conversation with a model: what was asked, what it said, and under each of its tool calls what that has led to. */
export function TurnView({ turn: { asked, replied, caused }, request, answers }: Pick<Act, 'request' | 'answers'> & { readonly turn: Turn }): ReactNode {
  return (
    <>
      {asked.map((message, at) => (
        <MessageView key={at} message={message} caused={caused} records={[request]} />
      ))}
      {replied === null || replied.length === 0 ? (
        <MessageView
          message={{ role: 'assistant', parts: [{ is: 'text', text: answers.map(({ content }) => content?.text ?? '').join('') }] }}
          caused={caused}
          records={answers}
        />
      ) : (
        replied.map((message, at) => <MessageView key={at} message={message} caused={caused} records={answers} />)
      )}
    </>
  );
}

/** A message. The answers of tools are under the calls that asked for them, and are short here. */
function MessageView({ message: { role, parts }, ...place }: Place & { readonly message: Message }): ReactNode {
  return (
    parts.length > 0 && (
      <section className={`message ${roles.has(role) ? role : 'other'}`}>
        <h3>{roles.get(role) ?? <Recorded text={role} />}</h3>
        {parts.map((part, at) => (
          <PartView key={at} part={part} {...place} />
        ))}
      </section>
    )
  );
}

function PartView({ part, caused, records }: Place & { readonly part: MessagePart }): ReactNode {
  switch (part.is) {
    case 'text':
      return (
        <p>
          <Recorded text={part.text} />
        </p>
      );
    case 'reasoning':
      return (
        <details>
          <summary>{texts.session.reasoning}</summary>
          <Recorded text={part.text} />
        </details>
      );
    case 'result':
      return (
        <details>
          <summary>
            {texts.session.result} <Recorded text={part.id} />
          </summary>
          <pre>
            <Recorded text={part.text} />
          </pre>
        </details>
      );
    case 'call':
      return (
        <div className="call">
          <p>
            {texts.session.tool} <strong>{<Recorded text={part.name} />}</strong>{' '}
            <code>
              <Recorded text={part.arguments} />
            </code>
          </p>
          {(caused.get(part) ?? []).map((act) => (
            <ActView key={act.request.seq} act={act} />
          ))}
        </div>
      );
    case 'media':
      return <MediaView part={part} records={records} />;
    case 'other':
      return (
        <p className="quiet">
          <Recorded text={part.type} />
        </p>
      );
    default:
      return part satisfies never;
  }
}
