const themes = ['auto', 'light', 'dark'] as const;

export type Theme = (typeof themes)[number];

const key = 'countersign.theme';

export function isTheme(text: string | null): text is Theme {
  return themes.some((theme) => theme === text);
}

/** Returns the colours that this browser was told to use. */
export function storedTheme(): Theme {
  const stored = localStorage.getItem(key);
  return isTheme(stored) ? stored : 'auto';
}

/** Shows the console in these colours, and keeps that for the next time. */
export function applyTheme(theme: Theme): void {
  localStorage.setItem(key, theme);
  document.documentElement.dataset['theme'] = theme;
}
