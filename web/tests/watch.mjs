// A viewer in a real browser: the picture plays and stays near live, chat goes both ways, taps are counted, viewers too.
// Usage: node tests/watch.mjs URL BROADCAST SIGN_IN_JSON HOST_TOKEN
import assert from 'node:assert/strict';
import { browser, until } from './page.mjs';

const [url, broadcast, signIn, hostToken] = process.argv.slice(2);
const show = async () => (await fetch(`${url}/api/v1/broadcasts/${broadcast}`)).json();
/** When the newest part that the playlist names ends, on the broadcast's clock. */
const endOfPlaylist = async () => {
  let [end_ms, parts_ms] = [0, 0];
  for (const line of (await (await fetch(`${url}/live/${broadcast}/media.m3u8`)).text()).split('\n')) {
    const seconds = Number(/^#EXTINF:([\d.]+)|^#EXT-X-PART:.*DURATION=([\d.]+)/.exec(line)?.slice(1).find(Boolean) ?? 0);
    if (line.startsWith('#EXT-X-PROGRAM-DATE-TIME:')) end_ms = Date.parse(line.slice(line.indexOf(':') + 1));
    if (line.startsWith('#EXT-X-PART:')) parts_ms += seconds * 1000;
    if (line.startsWith('#EXTINF:')) [end_ms, parts_ms] = [end_ms + seconds * 1000, 0];
  }
  return end_ms + parts_ms;
};

const chromium = await browser();
try {
  const context = await chromium.newContext({ locale: 'en-US', viewport: { width: 1280, height: 800 } });
  const signedIn = await context.request.post(`${url}/api/v1/sessions`, { data: JSON.parse(signIn), headers: { origin: url } });
  assert.equal(signedIn.ok(), true, await signedIn.text());
  const page = await context.newPage();
  const complaints = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));

  await page.goto(`${url}/watch/${broadcast}`);
  await page.waitForFunction(() => document.querySelector('video')?.currentTime > 1, null, { timeout: 30_000 });
  const before = await page.evaluate(() => document.querySelector('video').currentTime);
  await page.waitForFunction((time) => document.querySelector('video').currentTime > time + 2, before, { timeout: 30_000 });
  const size = await page.evaluate(() => [document.querySelector('video').videoWidth, document.querySelector('video').videoHeight]);
  assert.deepEqual(size, [640, 360]);

  // Within three seconds of live for half a minute, as the player itself sees it, and as its beats tell.
  await page.mouse.move(400, 300);
  await page.getByRole('button', { name: 'Playback details' }).click();
  const delay = page.locator('dl.numbers div', { hasText: 'Delay to live' }).locator('dd');
  const seconds = async () => Number.parseFloat(await delay.innerText());
  await until('the player is within 3 s of live', async () => (await seconds()) < 3);
  const behind = [];
  const onBeat = async (request) => {
    if (!request.url().endsWith('/api/v1/beats')) return;
    const end = await endOfPlaylist();
    behind.push(end - Date.parse((await show()).timeline_start) - request.postDataJSON().position_ms);
  };
  context.on('request', onBeat);
  let longest = 0;
  for (const end = Date.now() + 30_000; Date.now() < end; await page.waitForTimeout(250)) {
    const now = await seconds();
    assert.ok(now > 0, `a delay is shown, not "${await delay.innerText()}"`);
    longest = Math.max(longest, now);
  }
  context.off('request', onBeat);
  assert.ok(longest <= 3, `${longest} s behind live at worst`);
  assert.ok(behind.length >= 4 && Math.max(...behind) <= 3000, `behind the end of the playlist at its beats: ${behind} ms`);
  await page.keyboard.press('Escape');

  // Two watch: this page and another one without an account.
  await until('one viewer is counted', async () => (await show()).viewers.concurrent === 1);
  const other = await (await chromium.newContext({ locale: 'ko-KR', viewport: { width: 390, height: 844 } })).newPage();
  await other.goto(`${url}/watch/${broadcast}`);
  await until('two viewers are counted', async () => (await show()).viewers.concurrent === 2);

  // What one says the other reads, to the letter; and the other way round.
  const words = '안녕 <b>마당</b> & "friends"';
  await page.getByRole('textbox', { name: 'Say something…' }).fill(words);
  await page.keyboard.press('Enter');
  await other.getByText(words, { exact: true }).waitFor({ timeout: 30_000 });
  const answer = await fetch(`${url}/api/v1/broadcasts/${broadcast}/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${hostToken}` },
    body: JSON.stringify({ text: 'welcome from the stage' }),
  });
  assert.equal(answer.status, 201);
  const { id } = await answer.json();
  const line = page.getByText('welcome from the stage', { exact: true });
  await line.waitFor({ timeout: 30_000 });
  await fetch(`${url}/api/v1/broadcasts/${broadcast}/messages/${id}`, { method: 'DELETE', headers: { authorization: `Bearer ${hostToken}` } });
  await line.waitFor({ state: 'detached', timeout: 30_000 });

  // Five taps are five hearts, shown to both.
  const heart = page.getByRole('button', { name: /Send a heart/ });
  for (let tap = 0; tap < 5; tap++) await heart.click();
  await until('five hearts are counted', async () => (await show()).hearts === 5);

  // Closing the page is leaving, at once: well before a lease of 12 s runs out.
  await other.close({ runBeforeUnload: true });
  await until('one viewer is left', async () => (await show()).viewers.concurrent === 1, 10_000);
  assert.deepEqual(complaints, []);
} finally {
  await chromium.close();
}
