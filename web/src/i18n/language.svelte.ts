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

/** The language that was chosen here before, or that the browser asks for; `undefined` when it is neither of ours. */
export function preferredLanguage(): Language | undefined {
  const kept = localStorage.getItem(KEPT_AS);
  if (kept === 'ko' || kept === 'en') return kept;
  const asked = navigator.languages.find((tag) => /^(ko|en)\b/i.test(tag));
  return asked?.slice(0, 2).toLowerCase() as Language | undefined;
}
