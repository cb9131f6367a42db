// A page stays open while its encoder, then its server, is killed and comes back: the picture and the chat go on, hearts and
// viewers count, and nothing asks for a reload. What is to happen outside is said on standard output, a line each; a line
// on standard input says that it is done.
// Usage: node tests/staying.mjs URL BROADCAST SIGN_IN_JSON HOST_TOKEN
import assert from 'node:assert/strict';
import { createInterface } from 'node:readline';
import { browser, until } from './page.mjs';

const [url, broadcast, signIn, hostToken] = process.argv.slice(2);
const path = `${url}/api/v1/broadcasts/${broadcast}`;
const show = async () => (await fetch(path)).json();
const input = createInterface({ input: process.stdin });
const answers = input[Symbol.asyncIterator]();
const outside = async (deed) => {
  console.log(deed);
  assert.equal((await answers.next()).value, 'done', deed);
};

const chromium = await browser();
try {
  const context = await chromium.newContext({ locale: 'en-US', viewport: { width: 1280, height: 800 } });
  const signedIn = await context.request.post(`${url}/api/v1/sessions`, { data: JSON.parse(signIn), headers: { origin: url } });
  assert.equal(signedIn.ok(), true, await signedIn.text());
  const page = await context.newPage();
  const complaints = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  let loads = 0;
  page.on('framenavigated', () => (loads += 1));
  await page.addInitScript(() => {
    window.pleas = [];
    const look = () => {
      for (const { textContent } of document.querySelectorAll('button, [role=status], [role=alert]')) {
        if (/try again|reload|does not play|that did not work/i.test(textContent)) window.pleas.push(textContent.trim());
      }
    };
    addEventListener('DOMContentLoaded', () => new MutationObserver(look).observe(document.body, { childList: true, subtree: true, characterData: true }));
  });
  await page.goto(`${url}/watch/${broadcast}`);
  const plays = async (what) => {
    const now = await page.evaluate(() => document.querySelector('video').currentTime);
    await page.waitForFunction((time) => document.querySelector('video').currentTime > time + 4, now, { timeout: 45_000 }).catch(() => {
      throw new Error(`the picture stands still ${what}`);
    });
  };
  const talk = async (when) => {
    await page.getByRole('textbox', { name: 'Say something…' }).fill(`from the page ${when}`);
    await page.keyboard.press('Enter');
    const messages = async () => (await (await fetch(`${path}/messages`)).json()).items;
    await until(`it is said ${when}`, async () => (await messages()).some(({ text }) => text === `from the page ${when}`));
    const said = await fetch(`${path}/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${hostToken}` },
      body: JSON.stringify({ text: `from the stage ${when}` }),
    });
    assert.equal(said.status, 201);
    await page.getByText(`from the stage ${when}`, { exact: true }).waitFor({ timeout: 30_000 });
    assert.equal(await page.getByText(`from the page ${when}`, { exact: true }).count(), 1, 'said once');
  };
  const tap = async (when) => {
    const { hearts } = await show();
    await page.getByRole('button', { name: /Send a heart/ }).click();
    await until(`a heart is counted ${when}`, async () => (await show()).hearts === hearts + 1);
  };

  await page.waitForFunction(() => document.querySelector('video')?.currentTime > 1, null, { timeout: 30_000 });
  await plays('at first');
  await talk('at first');
  await tap('at first');

  await outside('kill the encoder');
  await page.getByText('The streamer’s connection was lost').waitFor({ timeout: 30_000 });
  await talk('without a picture');
  await outside('start the encoder');
  await page.getByText('The streamer’s connection was lost').waitFor({ state: 'detached', timeout: 30_000 });
  await plays('after the encoder came back');
  await talk('after the encoder came back');

  // Away until the player itself has given up more than once.
  await outside('kill the server');
  await page.getByText('The connection was lost', { exact: true }).waitFor({ timeout: 60_000 });
  await outside('start the server');
  await outside('start the encoder');
  await plays('after the server came back');
  await talk('after the server came back');
  await tap('after the server came back');
  await until('the viewer is counted', async () => (await show()).viewers.concurrent === 1);
  assert.equal(await page.getByRole('log').getByText('from the page at first', { exact: true }).count(), 1, 'what was said stays, once');

  assert.equal(loads, 1, 'the page was loaded once');
  assert.deepEqual(await page.evaluate(() => window.pleas), [], 'nothing asks for a reload');
  assert.deepEqual(complaints, []);
} finally {
  input.close();
  await chromium.close();
}
