/** What the site says of itself: asked at the start, looked at again now and then, used everywhere. */
import { readSite } from '../api/people';
import type { Site } from '../api/types';
import { t } from '../i18n/language.svelte';

/** The name of a site nobody has named; each language has its own way to write it. */
const UNNAMED = 'Madang';

let site = $state.raw<Site>();
let asked: Promise<Site> | undefined;

export function askSite(): Promise<Site> {
  asked ??= readSite().then(
    (answer) => (site = answer),
    (failure: unknown) => {
      asked = undefined;
      throw failure;
    },
  );
  return asked;
}

/** Asks anew: an operator may have changed something. What cannot be asked now stays as it was. */
export async function refreshSite(): Promise<void> {
  try {
    site = await readSite();
    asked = Promise.resolve(site);
  } catch {
    // The next look comes.
  }
}

/** The site has told of its notice by itself. */
export function hearNotice(notice: string): void {
  if (site === undefined || site.notice === notice) return;
  site = { ...site, notice };
  asked = Promise.resolve(site);
}

/** What everybody should read now; empty: nothing. */
export function siteNotice(): string {
  return site?.notice ?? '';
}

export function siteName(): string {
  return site === undefined || site.name === UNNAMED ? t().site.name : site.name;
}
