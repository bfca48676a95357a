import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap, type CompletionSource } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands';
import { bracketMatching } from '@codemirror/language';
import { lintGutter, lintKeymap, setDiagnostics } from '@codemirror/lint';
import { EditorState } from '@codemirror/state';
import { EditorView, highlightActiveLine, highlightActiveLineGutter, highlightSpecialChars, keymap, lineNumbers } from '@codemirror/view';
import { useEffect, useRef, type ReactNode } from 'react';
import type { Schemas } from '../../api/schema.ts';
import { hiddenForm, numberOf } from '../../parts/visible-text.ts';
import { cedarCompletions } from './cedar-completions.ts';
import { cedarLanguage } from './cedar-language.ts';
import { editorTheme } from './editor-theme.ts';
import { rangeOf, type Finding } from './findings.ts';

interface CedarEditorProps {
  readonly text: string;
  /** True: the text was written in this editor. False: it is that of a file, and takes the place of what is in the editor. */
  readonly isDraft: boolean;
  readonly label: string;
  readonly words: readonly Schemas['PolicyWord'][];
  readonly findings: readonly Finding[];
  /** The finding at which the cursor is put. Null: it stays. */
  readonly shown: Finding | null;
  readonly onChange: (text: string) => void;
}

/** An editor of policies. It is in a shadow root, where it may have styles of its own although the policy of the page allows none but files. */
export function CedarEditor({ text, isDraft, label, words, findings, shown, onChange }: CedarEditorProps): ReactNode {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(null);
  const now = useRef({ words, onChange });
  now.current = { words, onChange };
  useEffect(() => {
    if (host.current === null) {
      return undefined;
    }
    const root = host.current.shadowRoot ?? host.current.attachShadow({ mode: 'open' });
    const complete: CompletionSource = ({ state, pos }) => {
      const line = state.doc.lineAt(pos);
      const found = cedarCompletions(line.text.slice(0, pos - line.from), now.current.words);
      return found === null
        ? null
        : { from: line.from + found.from, options: found.words.map((word) => ({ label: word.text, info: word.meaning })), validFor: /^[@\w.:"]*$/ };
    };
    const made = new EditorView({
      root,
      parent: root,
      state: EditorState.create({
        doc: text,
        extensions: [
          lineNumbers(),
          lintGutter(),
          history(),
          highlightSpecialChars({ addSpecialChars: hiddenForm, render: shownByNumber }),
          bracketMatching(),
          closeBrackets(),
          highlightActiveLine(),
          highlightActiveLineGutter(),
          autocompletion({ override: [complete], icons: false }),
          keymap.of([...closeBracketsKeymap, ...completionKeymap, ...lintKeymap, ...historyKeymap, ...defaultKeymap, indentWithTab]),
          cedarLanguage,
          editorTheme,
          EditorView.lineWrapping,
          EditorView.contentAttributes.of({ 'aria-label': label, spellcheck: 'false' }),
          EditorView.updateListener.of(({ docChanged, state }) => {
            if (docChanged) {
              now.current.onChange(state.doc.toString());
            }
          }),
        ],
      }),
    });
    view.current = made;
    return () => {
      made.destroy();
      view.current = null;
    };
    // The text and the label are those with which it begins.
  }, []);
  useEffect(() => {
    const made = view.current;
    const present = made?.state.doc.toString();
    if (made !== null && !isDraft && present !== text) {
      made.dispatch({ changes: { from: 0, to: made.state.doc.length, insert: text } });
    }
  }, [text, isDraft]);
  useEffect(() => {
    const made = view.current;
    if (made !== null) {
      const written = made.state.doc.toString();
      made.dispatch(
        setDiagnostics(
          made.state,
          findings.map(({ severity, message, ...place }) => ({ ...rangeOf(written, place), severity, message })),
        ),
      );
    }
  }, [findings]);
  useEffect(() => {
    const made = view.current;
    if (made !== null && shown !== null) {
      const { from } = rangeOf(made.state.doc.toString(), shown);
      made.dispatch({ selection: { anchor: from }, scrollIntoView: true });
      made.focus();
    }
  }, [shown]);
  return <div ref={host} className="cedar" />;
}

/** Returns what stands for a character that has no form of its own. */
function shownByNumber(code: number, description: string | null): HTMLElement {
  const shown = document.createElement('span');
  shown.className = 'cm-specialChar';
  shown.textContent = numberOf(code);
  shown.title = description ?? '';
  return shown;
}
