import { get, put, remove } from './client';
import type { Page, SiteSetting, SiteSettingChange, SiteSettings, SettingValue } from './types';

const SETTINGS = '/admin/settings';
const LIMIT = 20;

export const listSiteSettings = () => get<SiteSettings>(SETTINGS);
export const readSiteSetting = (name: string) => get<SiteSetting>(at(name));
/** `seen` is the change the page shows: a faster administrator's is not overwritten. */
export const setSiteSetting = (name: string, value: SettingValue, seen: number) => put<SiteSetting>(at(name), { value, version: seen });
export const resetSiteSetting = (name: string, seen: number) => remove(`${at(name)}?version=${seen}`);
export const listSiteSettingChanges = (cursor: string | undefined) => get<Page<SiteSettingChange>>(`${SETTINGS}/changes`, { cursor, limit: LIMIT });

function at(name: string): string {
  return `${SETTINGS}/${encodeURIComponent(name)}`;
}
