import { EditorView } from '@codemirror/view';

/** The editor in the colours of the console, which reach into its shadow root as properties. */
export const editorTheme = EditorView.theme({
  '&': { border: '1px solid var(--line)', borderRadius: '0.375rem', background: 'var(--page)', color: 'var(--text)', fontSize: '0.8125rem' },
  '&.cm-focused': { outline: '3px solid var(--accent)', outlineOffset: '2px' },
  '.cm-scroller': { minHeight: '20rem', maxHeight: '60vh', overflow: 'auto', fontFamily: 'var(--code)', lineHeight: '1.5' },
  '.cm-content': { caretColor: 'var(--text)', minHeight: '20rem' },
  '.cm-gutters': { border: 'none', background: 'var(--raised)', color: 'var(--quiet)' },
  '.cm-activeLine, .cm-activeLineGutter': { background: 'color-mix(in srgb, var(--accent) 8%, transparent)' },
  '.cm-tooltip': { border: '1px solid var(--line)', borderRadius: '0.25rem', background: 'var(--page)', color: 'var(--text)' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul': { maxWidth: 'min(36rem, 90vw)', fontFamily: 'var(--code)' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]': { background: 'var(--accent)', color: 'var(--on-accent)' },
  '.cm-completionInfo-left-narrow, .cm-completionInfo-right-narrow': { display: 'none' },
  '.cm-completionInfo': { maxWidth: '20rem', padding: '0.375rem 0.5rem' },
  '.cm-diagnostic': { padding: '0.25rem 0.5rem', maxWidth: '36rem' },
  '.cm-matchingBracket, &.cm-focused .cm-matchingBracket': { background: 'color-mix(in srgb, var(--accent) 20%, transparent)' },
});
