import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import { suggest } from '../domain/suggest.ts';
import { commonFields } from './context.ts';
import { comparedTexts } from './satisfiable.ts';
import type { PolicyProtocol, Vocabulary } from './vocabulary.ts';

/** Most values that a message lists. */
const listedMax = 12;

/** A text that no request has where a policy looks for it. */
interface StrangeValue {
  /** True if all values are known, and it is none of them; false if it only has not their form. */
  readonly isNever: boolean;
  readonly message: string;
  /** The text, as it stands in the policy. */
  readonly words: string;
}

/** Finds texts with which a policy compares a member that never is, or never has, such a text. The protocols are those of the policy's actions. */
export function strangeValues(json: PolicyJson, protocols: readonly PolicyProtocol[], vocabulary: Vocabulary): readonly StrangeValue[] {
  return comparedTexts(json).flatMap(([path, text]): readonly StrangeValue[] => {
    const words = JSON.stringify(text);
    const { oneOf, parts } = knownOf(path, protocols, vocabulary);
    if (oneOf !== undefined && text !== '' && !oneOf.includes(text)) {
      const meant = suggest(text, oneOf);
      const all = oneOf.length > listedMax ? 'docs/policy-facts.md lists its values' : `there is ${oneOf.map((each) => JSON.stringify(each)).join(', ')}`;
      return [{ isNever: true, message: `${path} is never ${words}: ${meant === null ? all : `is ${JSON.stringify(meant)} meant?`}`, words }];
    }
    if (parts !== undefined && text !== '*' && !isOfParts(text, parts)) {
      return [{ isNever: false, message: `${path} has names as ${parts}, and ${words} is none: name all of its parts`, words }];
    }
    return [];
  });
}

interface Known {
  readonly oneOf?: readonly string[];
  readonly parts?: string;
}

function knownOf(path: string, protocols: readonly PolicyProtocol[], { targets, protocols: all }: Vocabulary): Known {
  switch (path) {
    case 'resource.protocol':
      return { oneOf: all.map(({ id }) => id) };
    case 'context.session.targets':
      return { oneOf: targets.map(({ name }) => name) };
    case 'context.session.tables':
      return { parts: 'TARGET/SCHEMA.TABLE' };
    default: {
      const fields = protocols.flatMap(({ context }) => [...commonFields, ...context].filter(({ name }) => path === `context.${name}`));
      const values = fields.flatMap(({ oneOf }) => (oneOf === undefined ? [] : [oneOf]));
      return {
        ...(fields.length > 0 && values.length === fields.length ? { oneOf: [...new Set(values.flat())] } : {}),
        ...(fields.length === 1 && fields[0]?.parts !== undefined ? { parts: fields[0].parts } : {}),
      };
    }
  }
}

/** True if a text has as many parts as the words, with the same signs between them. A part may have dots itself. */
function isOfParts(text: string, words: string): boolean {
  const [target, name] = words.includes('/') ? [text.indexOf('/') > 0, text.slice(text.indexOf('/') + 1)] : [true, text];
  return target && name.split('.').length >= words.split('.').length;
}
