// A moderator and a viewer in two real browsers: replies, mentions, pins, modes, review, a ban.
// Usage: node tests/chat.mjs URL BROADCAST HANDLES (host, moderator and fan, whose password is "correct horse")
import assert from 'node:assert/strict';
import { browser, until } from './page.mjs';

const [url, broadcast, host, moderator, fan] = process.argv.slice(2);
const chromium = await browser();
try {
  const complaints = [];
  const visit = async (handle) => {
    const context = await chromium.newContext({ locale: 'en-US', viewport: { width: 1180, height: 820 } });
    const answer = await context.request.post(`${url}/api/v1/sessions`, { data: { handle, password: 'correct horse' } });
    assert.ok(answer.ok(), `${handle} is signed in`);
    const page = await context.newPage();
    page.on('pageerror', (error) => complaints.push(String(error)));
    await page.goto(`${url}/watch/${broadcast}`);
    return page;
  };
  const say = async (page, text) => {
    await page.locator('textarea').fill(text);
    await page.getByRole('button', { name: 'Send', exact: true }).click();
  };
  // Where a site is several processes, what one is told holds in all of them a second later; until then a viewer may be answered as before.
  const allObey = () => order.waitForTimeout(1_000);
  const line = (page, text) => page.getByRole('log').locator('.line', { has: page.locator('.text', { hasText: text }) }).last();
  const menu = async (page, text) => {
    await line(page, text).hover();
    await line(page, text).locator('[aria-haspopup=menu]').click();
  };

  const [crowd, order] = await Promise.all([visit(fan), visit(moderator)]);

  // A mention is completed by the keyboard alone, and stands out for whom it names.
  await say(order, 'welcome all');
  await line(crowd, 'welcome all').waitFor();
  const field = crowd.locator('textarea');
  await field.pressSequentially('hello @mo');
  await crowd.getByRole('option', { name: `@${moderator}` }).waitFor();
  await field.press('Enter');
  assert.equal(await field.inputValue(), `hello @${moderator} `);
  await field.press('Enter');
  await order.locator('.line.for-me', { hasText: 'hello' }).waitFor();

  // A reply quotes what it answers, until that is gone.
  await line(order, 'hello').hover();
  await line(order, 'hello').getByRole('button', { name: /Replying to/ }).click();
  await say(order, 'thanks for coming');
  await line(crowd, 'thanks for coming').locator('.quote', { hasText: 'hello' }).waitFor();
  await menu(crowd, 'hello');
  await crowd.getByRole('menuitem', { name: 'Delete message' }).click();
  await line(order, 'thanks for coming').locator('.quote', { hasText: 'Deleted message' }).waitFor();

  // A pinned message stands on top for everybody.
  await menu(order, 'welcome all');
  await order.getByRole('menuitem', { name: 'Pin message' }).click();
  await crowd.getByRole('complementary', { name: 'Pinned message' }).getByText('welcome all').waitFor();

  // A mode is on, and the viewer is told.
  await order.getByRole('button', { name: 'Moderation' }).click();
  const drawer = order.getByRole('dialog', { name: 'Moderation' });
  await drawer.getByRole('switch', { name: 'Emotes only' }).setChecked(true, { force: true });
  await crowd.getByRole('status', { name: 'Room modes' }).getByText('Emotes only').waitFor();
  await allObey();
  await crowd.locator('textarea').fill('just words');
  await crowd.getByRole('button', { name: 'Send', exact: true }).click();
  await crowd.getByText('Only emoji and emotes for now.').first().waitFor();
  await crowd.locator('textarea').fill('');
  await drawer.getByRole('switch', { name: 'Emotes only' }).setChecked(false, { force: true });
  await until('the mode is off for the viewer', async () => (await crowd.getByText('Emotes only', { exact: true }).count()) === 0);

  // A held message waits, and is published by a moderator.
  await drawer.getByRole('tab', { name: 'Words' }).click();
  await drawer.getByLabel('Word', { exact: true }).fill('spoiler*');
  await drawer.getByRole('button', { name: 'Add' }).click();
  await drawer.getByText('spoiler*').waitFor();
  await allObey();
  await say(crowd, 'no s p o i l e r here');
  await crowd.getByText('Waiting for review').waitFor();
  await drawer.getByRole('tab', { name: 'Review' }).click();
  await drawer.getByRole('button', { name: 'Publish' }).click();
  await line(crowd, 's p o i l e r').waitFor();
  assert.equal(await crowd.getByText('Waiting for review').count(), 0);
  await order.keyboard.press('Escape');

  // A ban, and its end.
  await menu(order, 's p o i l e r');
  await order.getByRole('menuitem', { name: /Ban/ }).click();
  await order.getByRole('dialog').getByRole('button', { name: 'Ban', exact: true }).click();
  const isBanned = async () => {
    const answer = await crowd.request.get(`${url}/api/v1/broadcasts/${broadcast}/room`);
    return (await answer.json()).you.banned;
  };
  await until('the ban is kept', isBanned);
  await say(crowd, 'am I banned?');
  await crowd.locator('.foot').getByText('You cannot write in this channel’s chat.').waitFor();
  await order.getByRole('button', { name: 'Moderation' }).click();
  await drawer.getByRole('tab', { name: 'Bans' }).click();
  await drawer.getByRole('button', { name: /^Lift/ }).click();
  await until('the ban is lifted', async () => !(await isBanned()));
  await drawer.getByRole('tab', { name: 'Log' }).click();
  await drawer.getByText('Lifted a ban').waitFor();
  for (const act of ['Banned', 'Published a held message', 'Blocked a word', 'Changed the room', 'Pinned a message']) {
    assert.ok((await drawer.getByText(act, { exact: true }).count()) > 0, act);
  }
  await crowd.reload();
  await say(crowd, 'back again');
  await line(crowd, 'back again').waitFor();

  assert.deepEqual(complaints, [], `errors on the pages of @${host}`);
} finally {
  await chromium.close();
}
