import type { RequestReading } from '../../exchange/reading.ts';
import type { RequestInfo } from './request-info.ts';

type KnowMember = NonNullable<RequestReading['knowMember']>;

/** Matches the path of a member that a Secret keeps, in an object, a list, a table or an event; and of any member, where it is not known which one it is. */
const data = /^\*$|(?:^|\/)data(?:\/|$)/;
/** Matches the path of a member that keeps it as it is: the form for writers, the annotation in which kubectl keeps the whole object that it applied, and a step of a JSON patch. */
const plain = /^\d+\/value(?:\/|$)|(?:^|\/)stringData(?:\/|$)|(?:^|\/)annotations\/kubectl\.kubernetes\.io\/last-applied-configuration$/;

const knowMember: KnowMember = (path) => {
  const isBase64 = data.test(path);
  return isBase64 || plain.test(path) ? { class: 'kubernetes-secret', isBase64 } : null;
};

/** Says which members hold the values of Secrets, in requests and answers about Secrets; undefined for all others. */
export function secretMembers({ resource }: RequestInfo): KnowMember | undefined {
  return resource !== null && resource.group === '' && resource.resource === 'secrets' ? knowMember : undefined;
}
