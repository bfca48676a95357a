import { hash } from 'node:crypto';

const style = `
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { margin: 0; }
main { max-width: 26rem; margin: 0 auto; padding: 2rem 1rem; }
h1 { font-size: 1.5rem; margin: 0 0 1.5rem; }
h2 { font-size: 1.1rem; margin: 2rem 0 0.5rem; }
p { overflow-wrap: anywhere; }
label { display: block; font-weight: 600; }
::placeholder { font-weight: 400; }
input, button, .button { box-sizing: border-box; display: block; width: 100%; min-height: 2.75rem; margin: 0.5rem 0; padding: 0.5rem 1rem; font: inherit; border: 1px solid GrayText; border-radius: 0.375rem; }
button, .button { background: ButtonFace; color: ButtonText; text-align: center; text-decoration: none; cursor: pointer; }
button.first { background: #1a4fa3; border-color: #1a4fa3; color: #fff; }
:focus-visible { outline: 3px solid #5b9bff; outline-offset: 2px; }
:disabled { opacity: 0.6; cursor: default; }
[hidden] { display: none; }
`;

/** Has pages ask the gateway, and say what comes of it. */
const asking = `
const said = document.getElementById('said');
const say = (words) => { said.textContent = words; };
const causes = {
  NotAllowedError: 'No passkey was used: it was cancelled, it took too long, or this device has none for this gateway.',
  InvalidStateError: 'This device has a passkey of this person already.',
  SecurityError: 'The browser does not allow passkeys at this address.',
};
const ask = async (path, body) => {
  const answer = await fetch(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  const content = await answer.json();
  if (!answer.ok) { throw new Error(content.detail); }
  return content;
};
const doing = async (words, act) => {
  const controls = document.querySelectorAll('button, input');
  controls.forEach((control) => { control.disabled = true; });
  say(words);
  try {
    await act();
  } catch (error) {
    say(causes[error.name] ?? error.message);
  } finally {
    controls.forEach((control) => { control.disabled = false; });
  }
};
const on = (id, words, act) => document.getElementById(id)?.addEventListener('click', () => doing(words, act));
const hasPasskeys = window.PublicKeyCredential?.parseRequestOptionsFromJSON !== undefined;
`;

export interface Page {
  readonly title: string;
  /** HTML with an element `said`, in which the script tells what happens. What others said is escaped with `escapeHtml`. */
  readonly body: string;
  readonly script: string;
  /** The status of HTTP. It is 200 if absent. */
  readonly status?: number;
}

/** Answers with a page. It runs its own script and nothing else, and is in no frame. */
export function pageAnswer({ title, body, script, status = 200 }: Page): Response {
  const whole = `${asking}${script}`;
  const html = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${escapeHtml(title)} - Countersign</title><style>${style}</style></head>
<body><main><h1>Countersign</h1>
${body}
<noscript><p>This page needs JavaScript: passkeys are asked for with it.</p></noscript>
</main><script>${whole}</script></body>
</html>
`;
  const policy = [
    "default-src 'none'",
    `script-src ${sourceOf(whole)}`,
    `style-src ${sourceOf(style)}`,
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ];
  return new Response(html, {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': policy.join('; '),
      'cross-origin-opener-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
    },
  });
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Makes a text part of HTML, also within the quotes of an attribute. */
export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? '');
}

function sourceOf(text: string): string {
  return `'sha256-${hash('sha256', text, 'base64')}'`;
}
