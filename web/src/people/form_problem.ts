/** What went wrong with a form, for the field it belongs to or for the whole form. */
import { Problem } from '../api/problem';
import { problemWords } from '../i18n/problem_words';

export interface FormProblem {
  field: string | undefined;
  words: string;
}

export function formProblem(failure: unknown): FormProblem {
  return { field: failure instanceof Problem ? failure.field : undefined, words: problemWords(failure) };
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
