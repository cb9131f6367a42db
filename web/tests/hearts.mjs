// Hearts in two real browsers: at most a batch every 3 s while somebody taps, all of them counted, seen floating by the
// other viewer, and what is left is sent when the page closes.
// Usage: node tests/hearts.mjs URL BROADCAST SIGN_IN_JSON
import assert from 'node:assert/strict';
import { browser, until } from './page.mjs';

const [url, broadcast, signIn] = process.argv.slice(2);
const BATCH_EVERY_MS = 3000;
const TAPPING_MS = 10_000;
const hearts = async () => (await (await fetch(`${url}/api/v1/broadcasts/${broadcast}`)).json()).hearts;

const chromium = await browser();
try {
  const complaints = [];
  const open = async (context) => {
    const page = await context.newPage();
    page.on('pageerror', (error) => complaints.push(String(error)));
    await page.goto(`${url}/watch/${broadcast}`);
    await page.waitForFunction(() => document.querySelector('video')?.currentTime > 1, null, { timeout: 30_000 });
    return page;
  };
  const fan = await chromium.newContext({ locale: 'en-US', viewport: { width: 1280, height: 800 } });
  const signedIn = await fan.request.post(`${url}/api/v1/sessions`, { data: JSON.parse(signIn), headers: { origin: url } });
  assert.equal(signedIn.ok(), true, await signedIn.text());
  const tap = (page) => page.getByRole('button', { name: /Send a heart/ }).click();
  const [page, other] = await Promise.all([open(fan), open(await chromium.newContext({ locale: 'en-US' }))]);

  // Ten seconds of tapping, twice a second; more where the machine is so busy that hardly a batch leaves in them.
  const batches = [];
  page.on('request', (request) => request.url().endsWith('/api/v1/hearts') && batches.push(request.postDataJSON()));
  const painted = () => {
    const canvas = document.querySelector('section.player canvas');
    if (canvas.width === 0 || canvas.height === 0) return false;
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    return data.some((value, index) => index % 4 === 3 && value > 0);
  };
  assert.equal(await other.evaluate(painted), false, 'nothing floats before anybody taps');
  const seen = other.waitForFunction(painted, null, { timeout: 30_000 });
  // What fails before it is told instead.
  seen.catch(() => undefined);
  const begun = Date.now();
  const tapped = () => Date.now() - begun;
  let taps = 0;
  for (; tapped() < TAPPING_MS || (batches.length < 2 && tapped() < 6 * TAPPING_MS); taps++) {
    await tap(page);
    await page.waitForTimeout(500);
  }
  const allowed = Math.floor(tapped() / BATCH_EVERY_MS) + 1;
  assert.ok(batches.length >= 2 && batches.length <= allowed, `${batches.length} batches while tapping, at most ${allowed}`);
  await until('every tap is in one batch', () => batches.flatMap((batch) => batch.taps).length === taps);
  await until('all taps are counted', async () => (await hearts()) === taps);
  await seen;

  // A page whose timers send nothing has only its last moment.
  await fan.addInitScript(() => {
    window.setInterval = () => 0;
  });
  const last = await open(fan);
  const before = await hearts();
  for (let count = 0; count < 3; count++) await tap(last);
  assert.equal(await hearts(), before, 'nothing was sent yet');
  await last.close({ runBeforeUnload: true });
  await until('the last batch is counted', async () => (await hearts()) === before + 3, 10_000);
  assert.deepEqual(complaints, []);
} finally {
  await chromium.close();
}
