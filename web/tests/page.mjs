// A headless Chromium for the browser tests, quiet on the network.
import { chromium } from 'playwright-core';

const quiet = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--autoplay-policy=no-user-gesture-required',
];

/** Opens a browser; `CHROMIUM` names its program. */
export async function browser() {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', headless: true, args: quiet });
}

/** Looks until `probe` gives something true; fails with what it waited for. */
export async function until(what, probe, patience = 60_000) {
  const begun = Date.now();
  for (;;) {
    const found = await probe();
    if (found) return found;
    if (Date.now() - begun > patience) throw new Error(`waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
