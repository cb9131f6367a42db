/** What can be completed at the caret: `@` and the beginning of a name, `:` and the beginning of an emote's code. */
import type { Emote, Person } from '../api/types';

export interface Suggestion {
  /** What stands in the text when it is picked. */
  text: string;
  label: string;
  hint: string;
}

const OFFERED = 6;
const MENTION = /(^|[\s(])@([a-z0-9_]*)$/i;
const NAME = /(^|[\s(])@([^\s@]*)$/;
const EMOTE = /(^|[^a-z0-9_]):([a-z0-9_]+)$/i;

export interface Completion {
  /** Where the completed word begins. */
  from: number;
  suggestions: Suggestion[];
}

export function completionOf(before: string, people: Person[], emotes: Emote[]): Completion | undefined {
  const mention = MENTION.exec(before) ?? NAME.exec(before);
  if (mention) {
    const begun = (mention[2] ?? '').toLowerCase();
    const fits = ({ handle, display_name }: Person) => handle.startsWith(begun) || display_name.toLowerCase().startsWith(begun);
    const suggestions = people.filter(fits).map(({ handle, display_name }) => ({ text: `@${handle}`, label: display_name, hint: `@${handle}` }));
    return offered(before.length - (mention[2] ?? '').length - 1, suggestions);
  }
  const emote = EMOTE.exec(before);
  if (!emote) return undefined;
  const begun = (emote[2] ?? '').toLowerCase();
  const suggestions = emotes
    .filter(({ code }) => code.toLowerCase().startsWith(begun))
    .map(({ code, emoji }) => ({ text: `:${code}:`, label: emoji, hint: `:${code}:` }));
  return offered(before.length - begun.length - 1, suggestions);
}

function offered(from: number, suggestions: Suggestion[]): Completion | undefined {
  return suggestions.length === 0 ? undefined : { from, suggestions: suggestions.slice(0, OFFERED) };
}
