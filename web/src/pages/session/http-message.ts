/** A message of HTTP as it is shown: its first line, the lines of its head, and its body. */
export interface HttpMessage {
  readonly first: string;
  readonly head: readonly string[];
  readonly body: string;
}

/** Divides the text of a message of HTTP. */
export function readHttpMessage(text: string): HttpMessage {
  const end = text.indexOf('\n\n');
  const [first = '', ...head] = (end === -1 ? text : text.slice(0, end)).split('\n');
  return { first, head: head.filter((line) => line !== ''), body: end === -1 ? '' : text.slice(end + 2) };
}
