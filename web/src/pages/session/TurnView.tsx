import type { ReactNode } from 'react';
import type { Schemas } from '../../api/schema.ts';
import { Recorded } from '../../parts/Recorded.tsx';
import { texts } from '../../texts.ts';
import { ActView } from './ActView.tsx';
import type { Turn } from './joined-timeline.ts';
import type { Message, MessagePart } from './messages.ts';

const roles: ReadonlyMap<string, string> = new Map(Object.entries(texts.session.roles));

/** A turn of a conversation with a model: what was asked, what it said, and under each of its tool calls what that has led to. */
export function TurnView({ turn, answers }: { readonly turn: Turn; readonly answers: readonly Schemas['ShownRecord'][] }): ReactNode {
  const { asked, replied, caused } = turn;
  return (
    <>
      {asked.map((message, at) => (
        <MessageView key={at} message={message} caused={caused} />
      ))}
      {replied === null || replied.length === 0 ? (
        <MessageView
          message={{ role: 'assistant', parts: [{ is: 'text', text: answers.map(({ content }) => content?.text ?? '').join('') }] }}
          caused={caused}
        />
      ) : (
        replied.map((message, at) => <MessageView key={at} message={message} caused={caused} />)
      )}
    </>
  );
}

/** A message. The answers of tools are under the calls that asked for them, and are short here. */
function MessageView({ message: { role, parts }, caused }: { readonly message: Message; readonly caused: Turn['caused'] }): ReactNode {
  return (
    parts.length > 0 && (
      <section className={`message ${roles.has(role) ? role : 'other'}`}>
        <h3>{roles.get(role) ?? <Recorded text={role} />}</h3>
        {parts.map((part, at) => (
          <PartView key={at} part={part} caused={caused} />
        ))}
      </section>
    )
  );
}

function PartView({ part, caused }: { readonly part: MessagePart; readonly caused: Turn['caused'] }): ReactNode {
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
            {texts.session.tool} <strong>{<Recorded text={part.name} />}</strong>(<Recorded text={part.arguments} />)
          </p>
          {(caused.get(part) ?? []).map((act) => (
            <ActView key={act.request.seq} act={act} />
          ))}
        </div>
      );
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
