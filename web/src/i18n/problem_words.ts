import { Problem } from '../api/problem';
import { t } from './language.svelte';

/** What to tell a reader about a failure, in their language where we know the code. */
export function problemWords(failure: unknown): string {
  const words = t().problem;
  if (!(failure instanceof Problem)) return words.other;
  if (failure.status === 0) return words.unreachable;
  const known = words.codes[failure.code];
  if (known !== undefined) return known;
  if (failure.status >= 500) return words.busy;
  if (failure.status === 429) return words.too_many(failure.retry_after_s ?? 30);
  if (failure.status === 401) return words.sign_in;
  if (failure.status === 403) return words.forbidden;
  return failure.detail || words.other;
}
