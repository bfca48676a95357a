import { countOf } from '../domain/count-of.ts';
import type { Act, HeldAct } from '../controls/control.ts';
import type { OpenedRecord } from '../domain/record.ts';
import type { FindProtocol } from '../feed/timeline.ts';

/** A longer request is not made readable while clients wait; `countersign approval show` reads its record. */
const readBytesMax = 64 * 1024;
/** Most characters of the text of a held request. */
const charactersMax = 4096;
/** Most characters where only the facts of the request are kept: nobody can read more of it in the record. */
const unrecordedCharactersMax = 64 * 1024;

/** Returns the text of a held request as its protocol shows it, cut at a limit. Control characters in it are raw. */
export function heldText(findProtocol: FindProtocol, { asker, target, action, bytes, timeMs }: Act, { session, seq, record, isFactsOnly }: HeldAct): string {
  const content = Buffer.concat(bytes);
  const more = isFactsOnly
    ? `${countOf(content.length, 'byte')}, and policy keeps only facts: the rest cannot be shown`
    : `${countOf(content.length, 'byte')}: countersign approval show has all of it`;
  const most = isFactsOnly ? unrecordedCharactersMax : charactersMax;
  if (content.length > readBytesMax) {
    return more;
  }
  const { principal, address } = asker;
  const channelFacts = { principal: principal.id, groups: principal.groups, clientAddress: address, target: target.name, protocol: target.protocol };
  const meta = { channel: 1, action: action.name, attributes: action.attributes };
  const opened = { session, seq, timeMs, kind: 'request', record, meta, channelFacts, governance: null, content, continues: false, withheld: null } as const;
  const earlier = (number: number): OpenedRecord | null => {
    const origin = action.origin?.(number) ?? null;
    return origin === null ? null : { ...opened, seq: number, content: origin };
  };
  const { text } = findProtocol(target.protocol)?.render(opened, earlier) ?? { text: more };
  return text.length <= most ? text : `${text.slice(0, most).toWellFormed()}… ${more}`;
}
