// The keyboard alone: mistakes at the door, signing in, opening a show, saying something, a heart, and dialogs that give
// the focus back. Usage: node tests/keyboard.mjs URL BROADCAST TITLE HANDLE (whose password is "correct horse")
import assert from 'node:assert/strict';
import { browser, until } from './page.mjs';

const [url, broadcast, title, handle] = process.argv.slice(2);
const path = `${url}/api/v1/broadcasts/${broadcast}`;
const TABS_LIMIT = 60;

const chromium = await browser();
try {
  const page = await (await chromium.newContext({ locale: 'en-US', viewport: { width: 1280, height: 800 } })).newPage();
  const complaints = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  const focused = (place) => place.evaluate((element) => element === document.activeElement).catch(() => false);
  const tabTo = async (place) => {
    await place.waitFor();
    for (let tab = 0; tab < TABS_LIMIT; tab++) {
      if (await focused(place)) return;
      await page.keyboard.press('Tab');
    }
    throw new Error(`${place} is not reached with ${TABS_LIMIT} tabs`);
  };
  const write = async (text) => {
    await page.keyboard.press('Control+A');
    await page.keyboard.type(text);
  };
  const main = page.getByRole('main');
  const mistake = async (field, words) => {
    await main.getByRole('alert').getByText(words).waitFor().catch(() => {});
    const alert = main.getByRole('alert').filter({ hasText: words });
    assert.equal(await alert.count(), 1, `"${words}" is announced`);
    assert.equal(await field.getAttribute('aria-invalid'), 'true', words);
    const described = (await field.getAttribute('aria-describedby')).split(' ');
    assert.ok(described.includes(await alert.getAttribute('id')), `"${words}" belongs to its field`);
    await until('the field with the mistake has the focus', () => focused(field), 5000);
  };

  // Signing up with mistakes, each beside its field.
  await page.goto(url);
  const signUp = page.getByRole('banner').getByRole('link', { name: 'Sign up' });
  await tabTo(signUp);
  await page.keyboard.press('Enter');
  const name = main.getByLabel('Handle');
  const password = main.getByLabel('Password');
  await tabTo(name);
  await write('a b');
  await tabTo(password);
  await write('correct horse');
  await page.keyboard.press('Enter');
  await mistake(name, '3 to 24 characters');
  await write(handle);
  await page.keyboard.press('Enter');
  await mistake(name, 'This handle is taken.');
  await write('somebody');
  await tabTo(password);
  await write('short');
  await page.keyboard.press('Enter');
  await mistake(password, '8 to 128 characters.');

  // Signing in, with a wrong password first.
  await tabTo(main.getByRole('link', { name: 'Sign in' }));
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/signin/);
  await tabTo(name);
  await write(handle);
  await tabTo(password);
  await write('wrong horse');
  await page.keyboard.press('Enter');
  await mistake(password, 'Handle or password is wrong.');
  await write('correct horse');
  await page.keyboard.press('Enter');
  await page.waitForURL(`${url}/`);

  // A menu and a dialog: open, close, and the focus is where it was.
  const menu = page.getByRole('button', { name: 'Account menu' });
  await tabTo(menu);
  await page.keyboard.press('Enter');
  await until('the menu has the focus', () => focused(page.getByRole('menuitem', { name: 'My channel' })));
  await page.keyboard.press('Escape');
  await until('the button has the focus again', () => focused(menu));

  // Into the show.
  await tabTo(main.getByRole('link', { name: title, exact: true }));
  await page.keyboard.press('Enter');
  await page.waitForURL(`${url}/watch/${broadcast}`);
  await page.waitForFunction(() => document.querySelector('video')?.currentTime > 1, null, { timeout: 30_000 });
  const details = page.getByRole('button', { name: 'Playback details' });
  await tabTo(details);
  await page.keyboard.press('Enter');
  const panel = page.getByRole('dialog', { name: 'Playback details' });
  await panel.waitFor();
  await tabTo(panel.getByRole('button', { name: 'Close' }));
  await page.keyboard.press('Enter');
  await panel.waitFor({ state: 'detached' });
  assert.ok(await focused(details), 'the panel gives the focus back');

  const heart = page.getByRole('button', { name: /Send a heart/ });
  await tabTo(heart);
  await page.keyboard.press('Enter');
  await page.keyboard.press('Space');
  await page.keyboard.press('h');
  await until('three hearts are counted', async () => (await (await fetch(path)).json()).hearts === 3);
  await tabTo(page.getByRole('textbox', { name: 'Say something…' }));
  await page.keyboard.type('hello from the keys');
  await page.keyboard.press('Enter');
  await page.getByRole('log').getByText('hello from the keys', { exact: true }).waitFor();
  await until('it is said', async () => (await (await fetch(`${path}/messages`)).json()).items.some(({ text }) => text === 'hello from the keys'));

  // A modal dialog: the focus stays inside while it is open, and returns.
  await page.goto(`${url}/studio`);
  const create = main.getByRole('button', { name: 'New broadcast' }).first();
  await tabTo(create);
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog', { name: 'New broadcast' });
  await dialog.waitFor();
  for (let tab = 0; tab < 12; tab++) {
    await page.keyboard.press('Tab');
    const outside = await page.evaluate(() => document.activeElement !== document.body && !document.querySelector('dialog[open]').contains(document.activeElement));
    assert.equal(outside, false, 'the focus stays in the dialog');
  }
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'hidden' });
  assert.ok(await focused(create), 'the dialog gives the focus back');
  assert.deepEqual(complaints, []);
} finally {
  await chromium.close();
}
