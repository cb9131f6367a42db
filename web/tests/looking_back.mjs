// A reader looks back in a long room: older messages come while they scroll up, all of them in order, and what they read
// stands still.
// Usage: node tests/looking_back.mjs URL BROADCAST COUNT (its messages are called "message 1" to "message COUNT")
import assert from 'node:assert/strict';
import { browser, until } from './page.mjs';

const [url, broadcast, count] = process.argv.slice(2);
const last = Number(count);
const chromium = await browser();
try {
  const context = await chromium.newContext({ locale: 'en-US', viewport: { width: 1180, height: 820 } });
  const page = await context.newPage();
  const complaints = [];
  page.on('pageerror', (error) => complaints.push(String(error)));

  // Older pages arrive when the test lets them.
  let letIn;
  const open = new Promise((resolve) => (letIn = resolve));
  let asked = 0;
  await page.route(/\/messages\?.*before_offset=/, async (route) => {
    asked += 1;
    await open;
    await route.continue();
  });
  await page.goto(`${url}/watch/${broadcast}`);
  const log = page.getByRole('log');
  const line = (number) => log.locator('.line', { has: page.getByText(`message ${number}`, { exact: true }) });
  const numbers = async () => (await log.locator('.line .text').allTextContents()).map((text) => Number(text.trim().split(' ')[1]));
  const scrolled = () => log.evaluate((element) => element.scrollTop);
  const scrollUp = async (pixels) => {
    const before = await scrolled();
    await log.hover();
    await page.mouse.wheel(0, -pixels);
    await until('the log has scrolled', async () => (await scrolled()) <= Math.max(0, before - pixels));
  };
  await line(last).waitFor();
  const [first] = await numbers();
  assert.ok(first > 1 && first < last, `the room begins with its newest page, from ${first} on`);

  // Near the beginning the next page is asked for; the reader scrolls on while it is on its way.
  await scrollUp((await scrolled()) - 100);
  await until('an older page is asked for', () => asked > 0);
  await scrollUp(60);
  const topOf = async (number) => Math.round((await line(number).boundingBox()).y);
  const before = await topOf(first);
  letIn();
  await until('the older page is there', async () => (await numbers())[0] < first);
  assert.equal(await topOf(first), before, 'what is read stands still');

  // On to the beginning.
  await until('the beginning is reached', async () => {
    await page.mouse.wheel(0, -400);
    return (await numbers())[0] === 1;
  });
  await log.getByText('This is where the chat began').waitFor();
  assert.deepEqual(await numbers(), Array.from({ length: last }, (_, index) => index + 1));
  assert.deepEqual(complaints, []);
} finally {
  await chromium.close();
}
