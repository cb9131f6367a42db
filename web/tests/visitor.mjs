// Somebody who looks around: who is live with picture and viewers, replays, an address that leads nowhere, and a link to share.
// Usage: node tests/visitor.mjs URL LIVE ENDED (ids of a live show and of one with a replay)
import assert from 'node:assert/strict';
import { browser, until } from './page.mjs';

const [url, live, ended] = process.argv.slice(2);
const chromium = await browser();
try {
  const context = await chromium.newContext({ locale: 'en-US', viewport: { width: 1280, height: 800 } });
  await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: url });
  const complaints = [];
  const open = async (address) => {
    const page = await context.newPage();
    page.on('pageerror', (error) => complaints.push(String(error)));
    await page.goto(`${url}${address}`);
    return page;
  };
  const watcher = await open(`/watch/${live}`);
  await watcher.waitForFunction(() => document.querySelector('video')?.currentTime > 1, null, { timeout: 30_000 });

  const home = await open('/');
  const card = (id) => home.getByRole('article').filter({ has: home.locator(`a[href="/watch/${id}"]`) });
  const pictured = (id) => card(id).locator('img').evaluate((image) => image.complete && image.naturalWidth > 0).catch(() => false);
  await card(live).getByText('LIVE', { exact: true }).first().waitFor();
  await card(live).getByText('1 watching', { exact: true }).waitFor({ timeout: 30_000 });
  await until('the live show has a picture', async () => (await pictured(live)) || (await home.reload(), false));
  const replays = home.getByRole('region', { name: 'Missed it? Watch again' });
  assert.equal(await replays.locator(`a[href="/watch/${ended}"]`).count() > 0, true, 'the replay is offered');
  assert.equal(await replays.locator(`a[href="/watch/${live}"]`).count(), 0, 'a live show is no replay');
  await card(ended).scrollIntoViewIfNeeded();
  await until('the replay has a picture', () => pictured(ended));
  await replays.locator(`a[href="/watch/${ended}"]`).last().click();
  await home.waitForFunction(() => document.querySelector('video')?.currentTime > 1, null, { timeout: 30_000 });

  // What is shared leads back here.
  await watcher.getByRole('button', { name: 'Share' }).click();
  await watcher.getByText('Link copied').waitFor();
  assert.equal(await watcher.evaluate(() => navigator.clipboard.readText()), `${url}/watch/${live}`);

  // Addresses that lead nowhere say so, and lead home.
  const lost = await open('/no/such/page');
  await lost.getByRole('heading', { name: 'No such page' }).waitFor();
  for (const [address, words] of [['/watch/1', 'This show is not here'], ['/@nobody', 'Nobody by that handle']]) {
    await lost.goto(`${url}${address}`);
    await lost.getByRole('heading', { name: words }).waitFor();
  }
  await lost.goto(`${url}/no/such/page`);
  await lost.getByRole('link', { name: 'Back to the yard' }).click();
  await lost.waitForURL(`${url}/`);
  await lost.getByRole('heading', { name: 'Live now' }).waitFor();
  assert.deepEqual(complaints, []);
} finally {
  await chromium.close();
}
