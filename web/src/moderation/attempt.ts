/** Does what a moderator asked for; says what is wrong when it cannot be done. */
import { problemWords } from '../i18n/problem_words';
import { toast } from '../shell/toasts.svelte';

export async function attempt(work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (failure) {
    toast(problemWords(failure), 'bad');
    return false;
  }
}
