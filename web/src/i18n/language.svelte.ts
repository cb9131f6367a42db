/** The reader's language and its words. Each dictionary is a chunk of its own, so that only one is loaded. */
import type { Dictionary } from './en';

export type Language = 'ko' | 'en';
const KEPT_AS = 'madang.language';

let language = $state<Language>('en');
let words = $state.raw<Dictionary | undefined>();

/** The words of the present language. Call it inside templates and effects, so that they follow a change. */
export function t(): Dictionary {
  if (words === undefined) throw new Error('A word was asked for before a language was loaded.');
  return words;
}

export function currentLanguage(): Language {
  return language;
}

export async function speak(next: Language): Promise<void> {
  words = next === 'ko' ? (await import('./ko')).ko : (await import('./en')).en;
  language = next;
  document.documentElement.lang = next;
}

export async function chooseLanguage(next: Language): Promise<void> {
  localStorage.setItem(KEPT_AS, next);
  await speak(next);
}

export function preferredLanguage(): Language {
  const kept = localStorage.getItem(KEPT_AS);
  if (kept === 'ko' || kept === 'en') return kept;
  return navigator.languages.some((tag) => /^ko\b/i.test(tag)) ? 'ko' : 'en';
}
