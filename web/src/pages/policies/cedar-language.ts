import { HighlightStyle, StreamLanguage, syntaxHighlighting } from '@codemirror/language';
import { tags } from '@lezer/highlight';

/** The words of Cedar by what they are. The first that fits at a place counts. */
const forms: readonly (readonly [RegExp, string | null])[] = [
  [/\/\/.*/, 'comment'],
  [/"(?:[^"\\]|\\.)*"?/, 'string'],
  [/@\w+/, 'meta'],
  [/(?:permit|forbid|when|unless|if|then|else|in|is|has|like)\b/, 'keyword'],
  [/(?:principal|action|resource|context)\b/, 'variableName'],
  [/(?:true|false)\b/, 'bool'],
  [/\d+/, 'number'],
  [/\w+(?=::)/, 'typeName'],
  [/\w+/, null],
  [/&&|\|\||[!<>=]=|[-!<>+*]/, 'operator'],
];

const cedar = StreamLanguage.define({
  name: 'cedar',
  token: (stream) => {
    const found = forms.find(([form]) => stream.match(form));
    if (found === undefined && !stream.eatSpace()) {
      stream.next();
    }
    return found?.[1] ?? null;
  },
  languageData: { commentTokens: { line: '//' }, closeBrackets: { brackets: ['(', '[', '{', '"'] } },
});

const colours = HighlightStyle.define([
  { tag: tags.comment, color: 'var(--quiet)', fontStyle: 'italic' },
  { tag: tags.string, color: 'var(--low)' },
  { tag: tags.meta, color: 'var(--accent)' },
  { tag: tags.keyword, fontWeight: '600' },
  { tag: tags.typeName, color: 'var(--quiet)' },
  { tag: [tags.bool, tags.number], color: 'var(--accent)' },
]);

/** How policies in Cedar are read by the editor: for colours, comments and brackets. What is wrong in them, the gateway says. */
export const cedarLanguage = [cedar, syntaxHighlighting(colours)];
