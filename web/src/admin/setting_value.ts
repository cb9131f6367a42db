/** A setting's value as people read it. */
import type { SettingValue } from '../api/types';
import { t } from '../i18n/language.svelte';

/** `null` is what the settings file says, whatever that is. */
export function valueWords(value: SettingValue | null | undefined): string {
  const words = t().admin;
  if (value === null || value === undefined) return words.fileValue;
  if (typeof value === 'boolean') return value ? words.on : words.off;
  if (value === '') return words.nothing;
  return value === 'off' ? words.noLimit : value;
}

/** What the setting is called; one that is newer than these pages by its own name. */
export function settingLabel(name: string): string {
  return t().admin.settings[name] ?? name;
}
