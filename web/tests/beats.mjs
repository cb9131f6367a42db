// A page whose own timers stand still, as those of a hidden tab may, goes on being counted: its beats come from a Worker.
// Usage: node tests/beats.mjs URL BROADCAST
import assert from 'node:assert/strict';
import { browser, until } from './page.mjs';

const [url, broadcast] = process.argv.slice(2);
const LEASE_MS = 12_000;
const watching = async () => (await (await fetch(`${url}/api/v1/broadcasts/${broadcast}`)).json()).viewers.concurrent;

const chromium = await browser();
try {
  const context = await chromium.newContext({ locale: 'en-US' });
  await context.addInitScript(() => {
    let frozen = false;
    window.freeze = () => (frozen = true);
    for (const name of ['setTimeout', 'setInterval', 'requestAnimationFrame']) {
      const real = window[name].bind(window);
      window[name] = (task, ...rest) => real((...given) => frozen || task(...given), ...rest);
    }
  });
  const beats = [];
  context.on('request', (request) => request.url().endsWith('/api/v1/beats') && beats.push(request.postDataJSON()));
  const page = await context.newPage();
  await page.goto(`${url}/watch/${broadcast}`);
  await page.waitForFunction(() => document.querySelector('video')?.currentTime > 1, null, { timeout: 30_000 });
  await until('the viewer is counted', async () => (await watching()) === 1);

  await page.evaluate(() => window.freeze());
  const ran = await page.evaluate(() => new Promise((resolve) => {
    setTimeout(() => resolve(true), 100);
    // Not a timer: a message comes through.
    const channel = new MessageChannel();
    const end = performance.now() + 500;
    channel.port1.onmessage = () => (performance.now() > end ? resolve(false) : channel.port2.postMessage(0));
    channel.port2.postMessage(0);
  }));
  assert.equal(ran, false, 'timers of the page stand still');

  const frozen = Date.now();
  const sent = beats.length;
  await until('well over a lease has passed', async () => {
    assert.equal(await watching(), 1, `the viewer was lost after ${Date.now() - frozen} ms`);
    return Date.now() - frozen > 2 * LEASE_MS;
  });
  const since = beats.slice(sent);
  assert.ok(since.length >= 4, `${since.length} beats from the Worker`);
  assert.ok(since.every(({ position_ms }, index) => index === 0 || position_ms > since[index - 1].position_ms), 'its position goes on');
} finally {
  await chromium.close();
}
