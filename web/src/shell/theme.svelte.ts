/** Light, dark, or as the device says; kept on this device. `theme.js` applies it before the first paint. */
import { MediaQuery } from 'svelte/reactivity';

export type Theme = 'auto' | 'light' | 'dark';
const KEPT_AS = 'madang.theme';

const darkDevice = new MediaQuery('prefers-color-scheme: dark');
let theme = $state<Theme>(kept());

export function currentTheme(): Theme {
  return theme;
}

export function chooseTheme(next: Theme): void {
  theme = next;
  if (next === 'auto') {
    localStorage.removeItem(KEPT_AS);
    delete document.documentElement.dataset.theme;
  } else {
    localStorage.setItem(KEPT_AS, next);
    document.documentElement.dataset.theme = next;
  }
}

/** Whether the page is dark now, whoever decided it. */
export function isDark(): boolean {
  if (theme !== 'auto') return theme === 'dark';
  return darkDevice.current;
}

function kept(): Theme {
  const value = localStorage.getItem(KEPT_AS);
  return value === 'light' || value === 'dark' ? value : 'auto';
}
