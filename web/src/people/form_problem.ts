/** What went wrong with a form, for the field it belongs to or for the whole form. */
import { tick } from 'svelte';
import { Problem } from '../api/problem';
import { problemWords } from '../i18n/problem_words';

export interface FormProblem {
  field: string | undefined;
  words: string;
}

/** `fieldOf` names the field for codes that the server ties to none. */
export function formProblem(failure: unknown, fieldOf: Record<string, string> = {}): FormProblem {
  const field = failure instanceof Problem ? (failure.field ?? fieldOf[failure.code]) : undefined;
  return { field, words: problemWords(failure) };
}

/** Puts the reader where the mistake is, once it is shown. */
export async function goToMistake(form: HTMLFormElement): Promise<void> {
  await tick();
  form.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
}

/** The words for one field; `undefined` when the problem is not about it. */
export function fieldError(problem: FormProblem | undefined, field: string): string | undefined {
  return problem?.field === field ? problem.words : undefined;
}

/** The words for the form as a whole, when no shown field takes them. */
export function formError(problem: FormProblem | undefined, fields: string[]): string | undefined {
  if (!problem || (problem.field && fields.includes(problem.field))) return undefined;
  return problem.words;
}
