import { get, patch, post, remove } from './client';
import type { Account, Page, PublicAccount, Session, SignedIn, Site } from './types';

export const signUp = (body: { handle: string; password: string; display_name: string }) => post<SignedIn>('/accounts', body);
export const signIn = (body: { handle: string; password: string }) => post<SignedIn>('/sessions', body);
export const signOut = () => remove('/sessions/current');
export const readMe = () => get<Account>('/me');
export const updateMe = (body: { display_name?: string; bio?: string }) => patch<Account>('/me', body);
export const changePassword = (body: { current_password: string; new_password: string }) => post('/me/password', body);
export const listMySessions = () => get<Page<Session>>('/me/sessions');
export const endMySession = (id: string) => remove(`/me/sessions/${id}`);
export const readAccount = (handle: string) => get<PublicAccount>(`/accounts/${encodeURIComponent(handle)}`);
export const claimAdministration = (token: string) => post<Account>('/admin/claim', { token });
export const readSite = () => get<Site>('/site');
