// An administrator blocks a word on the whole site, and changes limits and the notice; nobody else can. The page fits a phone.
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

  // Limits, switches, the notice: refused with the rule, set, seen by others, told in the log, taken back.
  const limits = office.getByRole('region', { name: 'Limits' });
  const rate = limits.getByRole('textbox', { name: 'Messages of one account' });
  const saveRate = limits.getByRole('button', { name: 'Save: Messages of one account' });
  assert.equal(await saveRate.isDisabled(), true, 'nothing to save');
  await rate.fill('1/h');
  await saveRate.click();
  await limits.getByRole('alert').filter({ hasText: 'At least 1/min' }).waitFor();
  await rate.fill('1/60s');
  await saveRate.click();
  await limits.getByText(`Set by @${administrator}`).waitFor();
  assert.equal(await rate.inputValue(), '1/min');
  await until('nobody writes faster', async () => (await say(street, 'one more')) === 429);
  const switches = office.getByRole('region', { name: 'Notice and switches' });
  await street.goto(`${url}/watch/${broadcast}`);
  await street.getByRole('textbox', { name: 'Say something…' }).waitFor();
  await switches.getByRole('textbox', { name: 'Notice to everybody' }).fill('Maintenance at 20:00');
  await switches.getByRole('button', { name: 'Save: Notice to everybody' }).click();
  await office.getByRole('status').getByText('Maintenance at 20:00').waitFor();
  await street.getByRole('status').getByText('Maintenance at 20:00').waitFor({ timeout: 5000 });
  const shown = street.getByRole('status').filter({ hasText: 'Maintenance' });
  await switches.getByRole('button', { name: 'Use the settings file: Notice to everybody' }).click();
  await shown.waitFor({ state: 'detached', timeout: 5000 });
  await switches.getByText('New accounts', { exact: true }).click();
  const log = office.getByRole('region', { name: 'Who changed what' });
  await log.getByRole('listitem').filter({ hasText: 'New accounts' }).getByText('settings file → off').waitFor();
  const noSignUp = await street.request.post(`${url}/api/v1/accounts`, {
    data: { handle: 'late', password: 'correct horse', display_name: 'late' },
    headers: { origin: url },
  });
  assert.equal(noSignUp.status(), 403);
  for (const [locale, width, colorScheme] of [['ko-KR', 360, 'light'], ['ko-KR', 1280, 'dark'], ['en-US', 360, 'dark'], ['en-US', 1280, 'light']]) {
    const page = await visit(administrator, { locale, colorScheme, viewport: { width, height: 820 } });
    await page.goto(`${url}/admin`);
    await page.getByRole('region', { name: /Who changed what|변경 기록/ }).getByRole('listitem').nth(2).waitFor();
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `it fits ${width} px`);
    if (process.env.MADANG_TEST_PICTURES) {
      await page.screenshot({ path: `${process.env.MADANG_TEST_PICTURES}/admin-${locale}-${width}-${colorScheme}.png`, fullPage: true });
    }
    await page.context().close();
  }
  await limits.getByRole('button', { name: 'Use the settings file: Messages of one account' }).click();
  await until('the limit is the file’s again', async () => (await rate.inputValue()) === '20/30s');
  await log.getByRole('listitem').first().getByText('1/min → settings file').waitFor();

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
