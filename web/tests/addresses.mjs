// The address under which a page plays is refused from one moment on, as it is when it has run out: the picture goes on under
// the one the site gives by then, and nobody notices.
// Usage: node tests/addresses.mjs URL BROADCAST
import assert from 'node:assert/strict';
import { browser, until } from './page.mjs';

const [url, broadcast] = process.argv.slice(2);
const tokenOf = (address) => new RegExp(`/live/${broadcast}/([\\w-]{44})/`).exec(address)?.[1];
const given = async () => tokenOf((await (await fetch(`${url}/api/v1/broadcasts/${broadcast}`)).json()).playback_url);

const chromium = await browser();
try {
  const page = await chromium.newPage({ locale: 'en-US' });
  const complaints = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  const asked = new Set();
  let refused;
  let refusals = 0;
  await page.route(`**/live/${broadcast}/**`, (route) => {
    const token = tokenOf(route.request().url());
    asked.add(token);
    if (token !== refused) return route.continue();
    refusals += 1;
    return route.fulfill({ status: 403, contentType: 'application/problem+json', body: '{"code":"address_expired"}' });
  });
  await page.goto(`${url}/watch/${broadcast}`);
  await page.waitForFunction(() => document.querySelector('video')?.currentTime > 1, null, { timeout: 30_000 });
  await page.evaluate(() => {
    window.emptied = 0;
    document.querySelector('video').addEventListener('emptied', () => (window.emptied += 1));
  });
  const [first] = asked;
  assert.deepEqual([...asked], [first], 'one address is enough while it is good');
  const second = await until('the site gives another address', async () => {
    const token = await given();
    return token !== first && token;
  });
  refused = first;
  const time = await page.evaluate(() => document.querySelector('video').currentTime);
  await page.waitForFunction((before) => document.querySelector('video').currentTime > before + 6, time, { timeout: 30_000 }).catch(() => {
    throw new Error('the picture stands still');
  });
  assert.ok(refusals > 0, 'the old address was refused');
  assert.ok(asked.has(second) || asked.has(await given()), 'the new one is played');
  const until_now = refusals;
  await page.waitForTimeout(3000);
  assert.equal(refusals, until_now, 'the old one is left for good');
  assert.equal(await page.evaluate(() => window.emptied), 0, 'the picture was not taken away');
  assert.equal(await page.getByRole('button', { name: /try again/i }).count(), 0);
  assert.deepEqual(complaints, []);
} finally {
  await chromium.close();
}
