/** Who is signed in here. `undefined` until the server has answered, `null` when nobody is. */
import { readMe, signOut as endSession } from '../api/people';
import { Problem } from '../api/problem';
import type { Account } from '../api/types';
import { currentPath, navigate } from '../shell/router.svelte';

let account = $state.raw<Account | null | undefined>();

export function me(): Account | null | undefined {
  return account;
}

export async function findMe(): Promise<void> {
  try {
    account = await readMe();
  } catch (failure) {
    account = null;
    if (!(failure instanceof Problem)) throw failure;
  }
}

export function becomeMe(next: Account): void {
  account = next;
}

export async function signOut(): Promise<void> {
  await endSession();
  account = null;
  navigate('/');
}

/** The sign-in page's address that leads back to where the reader is. */
export function signInAddress(page: 'signin' | 'signup' = 'signin'): string {
  const here = currentPath() + location.search;
  return here === '/' || here.startsWith('/sign') ? `/${page}` : `/${page}?next=${encodeURIComponent(here)}`;
}

/** Where to go after signing in: only ever inside this site. */
export function nextAddress(query: URLSearchParams): string {
  const next = query.get('next') ?? '/';
  return /^\/(?![/\\])/.test(next) ? next : '/';
}
