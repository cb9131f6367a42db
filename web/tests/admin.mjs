// An administrator blocks a word on the whole site; nobody else can. The page fits a phone.
// Usage: node tests/admin.mjs URL BROADCAST HANDLES (administrator and somebody else, whose password is "correct horse")
import assert from 'node:assert/strict';
import { browser, until } from './page.mjs';

const [url, broadcast, administrator, other] = process.argv.slice(2);
const chromium = await browser();
try {
  const complaints = [];
  const visit = async (handle, options = {}) => {
    const context = await chromium.newContext({ locale: 'en-US', viewport: { width: 1180, height: 820 }, ...options });
    const answer = await context.request.post(`${url}/api/v1/sessions`, { data: { handle, password: 'correct horse' } });
    assert.ok(answer.ok(), `${handle} is signed in`);
    const page = await context.newPage();
    page.on('pageerror', (error) => complaints.push(String(error)));
    await page.goto(url);
    return page;
  };
  const say = async (page, text) => {
    const path = `${url}/api/v1/broadcasts/${broadcast}/messages`;
    return (await page.context().request.post(path, { data: { text }, headers: { origin: url } })).status();
  };

  const [office, street] = await Promise.all([visit(administrator), visit(other)]);
  assert.equal(await say(street, 'plums for all'), 201);

  await office.getByRole('button', { name: 'Account menu' }).click();
  await office.getByRole('menuitem', { name: 'Administration' }).click();
  const words = office.getByRole('region', { name: 'Words blocked on the whole site' });
  await words.getByText('Nothing here yet.').waitFor();
  const block = async (word, consequence) => {
    await words.getByRole('textbox', { name: 'Word' }).fill(word);
    await words.getByLabel('Then').selectOption({ label: consequence });
    await words.getByRole('button', { name: 'Add' }).click();
    await words.getByRole('listitem').filter({ hasText: word }).getByText(consequence).waitFor();
  };
  await block('plum*', 'Refuse');
  await block('썩은사과', 'Mask');
  await block('a-rather-long-word-that-needs-a-whole-line-of-its-own', 'Hold for review');
  await until('the word is refused in a chat', async () => (await say(street, 'more plums')) === 422);

  await office.reload();
  await until('all three are there again', async () => (await words.getByRole('listitem').count()) === 3);
  for (const [locale, width] of [['en-US', 1180], ['en-US', 360], ['ko-KR', 1180], ['ko-KR', 360]]) {
    const page = await visit(administrator, { locale, viewport: { width, height: 820 } });
    await page.goto(`${url}/admin`);
    await page.getByRole('listitem').nth(2).waitFor();
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `it fits ${width} px`);
    await page.context().close();
  }
  await words.getByRole('button', { name: 'Remove: plum*' }).click();
  await words.getByText('plum*').waitFor({ state: 'detached' });
  await until('the word is free again', async () => (await say(street, 'plums again')) === 201);

  // Nobody else finds the page in the menu, or anything on it.
  await street.getByRole('button', { name: 'Account menu' }).click();
  await street.getByRole('menuitem', { name: 'Settings' }).waitFor();
  assert.equal(await street.getByRole('menuitem', { name: 'Administration' }).count(), 0);
  await street.goto(`${url}/admin`);
  await street.getByRole('heading', { name: 'For administrators' }).waitFor();
  assert.equal(await street.getByRole('textbox').count(), 0);

  assert.deepEqual(complaints, []);
} finally {
  await chromium.close();
}
