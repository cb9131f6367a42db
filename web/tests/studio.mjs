// A streamer in a real browser: signs up, makes a broadcast with a preview first, streams with ffmpeg, goes live, pauses,
// resumes, ends, and sees the numbers. Usage: node tests/studio.mjs URL RTMP_ADDRESS FFMPEG
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { browser, until } from './page.mjs';

const [url, rtmp, ffmpeg] = process.argv.slice(2);
const chromium = await browser();
let encoder;
try {
  const context = await chromium.newContext({ locale: 'en-US', viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  const complaints = [];
  page.on('pageerror', (error) => complaints.push(String(error)));

  // Signing up.
  await page.goto(`${url}/signup`);
  await page.getByLabel('Handle').fill('mina');
  await page.getByLabel('Name', { exact: true }).fill('미나');
  await page.getByLabel('Password').fill('correct horse');
  await page.getByRole('main').getByRole('button', { name: 'Sign up' }).click();
  await until('the new account is signed in', async () => (await context.request.get(`${url}/api/v1/me`)).ok());

  // A broadcast that does not start by itself.
  await page.goto(`${url}/studio`);
  await page.getByRole('button', { name: 'New broadcast' }).first().click();
  await page.getByRole('textbox', { name: 'Title', exact: true }).fill('First light');
  await page.getByRole('switch', { name: 'Go live when the stream arrives' }).setChecked(false, { force: true });
  await page.getByRole('button', { name: 'Create', exact: true }).click();
  await page.waitForURL(/\/studio\/\d+/);
  const id = page.url().split('/').pop();
  const show = async () => (await fetch(`${url}/api/v1/broadcasts/${id}`)).json();
  assert.equal((await show()).auto_start, false);

  // The encoder, with the key the page shows once.
  const key = await until('the stream key is shown', async () => {
    const shown = await page.locator('input').and(page.getByLabel('Stream key', { exact: true })).inputValue();
    return shown.startsWith('bk_') && shown;
  });
  await until('the server is shown', async () => (await page.locator('input').and(page.getByLabel('Server', { exact: true })).inputValue()) === `rtmp://${rtmp}/live`);
  const stream = (keyframe_every) =>
    spawn(
      ffmpeg,
      ['-nostdin', '-loglevel', 'error', '-re', '-f', 'lavfi', '-i', 'testsrc2=size=640x360:rate=30', '-f', 'lavfi', '-i', 'sine=440',
        '-c:v', 'libx264', '-preset', 'ultrafast', '-g', String(keyframe_every), '-pix_fmt', 'yuv420p', '-c:a', 'aac', '-t', '240',
        '-f', 'flv', `rtmp://${rtmp}/live/${key}`],
      { stdio: 'inherit' },
    );
  encoder = stream(180);

  // A preview for the host alone.
  await page.waitForFunction(() => document.querySelector('video')?.currentTime > 1, null, { timeout: 60_000 });
  assert.equal((await show()).state, 'ready');
  const stranger = await fetch(`${url}/live/${id}/index.m3u8`);
  assert.equal(stranger.ok, false, 'a stranger saw the preview');

  // Its health: a warning about keyframes that are 6 s apart, and none once they are 2 s apart.
  const health = page.getByRole('region', { name: 'Incoming stream' });
  const rows = (region) => region.locator('dl > div').evaluateAll((all) => Object.fromEntries(all.map((row) => [...row.children].map((cell) => cell.textContent.trim()))));
  await health.getByText('Keyframes are far apart.').waitFor({ timeout: 60_000 });
  assert.equal((await rows(health))['Keyframes every'], '6.0 s');
  encoder.kill('SIGKILL');
  await until('the first encoder is gone', async () => (await show()).stream !== 'arriving');
  encoder = stream(60);
  await health.getByText('Everything looks good.').waitFor({ timeout: 60_000 });
  await until('the stream is told to be as it is', async () => {
    const told = await rows(health);
    return told['Keyframes every'] === '2.0 s' && told['Frames per second'] === '30' && /^640×360 · avc1/.test(told.Video) && /^mp4a/.test(told.Audio);
  });
  assert.match(await health.locator('.rate strong').innerText(), /^(\d+\.\d Mbit|[1-9]\d+ kbit)\/s$/);

  // Live, paused, live again, over.
  const dialog = page.getByRole('dialog');
  await page.getByRole('button', { name: 'Go live' }).click();
  await dialog.getByRole('button', { name: 'Go live' }).click();
  await until('the show is live', async () => (await show()).state === 'live');
  await page.getByText('Receiving').first().waitFor({ timeout: 30_000 });
  // A show that is paused before its first keyframe has nothing to be replayed.
  await until('viewers have a segment', async () => (await (await fetch(`${url}/live/${id}/media.m3u8`)).text()).includes('#EXTINF'));

  // Two watch for a while, one of them sends three hearts.
  const post = async (path, data) => {
    const answer = await context.request.post(`${url}/api/v1/${path}`, { data, headers: { origin: url } });
    assert.ok(answer.ok(), `${path}: ${await answer.text()}`);
    return answer.json();
  };
  const sessions = [];
  for (let viewer = 0; viewer < 2; viewer++) sessions.push((await post('playbacks', { broadcast: id })).session);
  await post('hearts', { session: sessions[0], seq: 1, taps: [100, 200, 300] });
  await until('they have watched for five seconds', async () => {
    for (const session of sessions) await context.request.post(`${url}/api/v1/beats`, { data: { session, position_ms: 0 }, headers: { origin: url } });
    const report = await (await context.request.get(`${url}/api/v1/broadcasts/${id}/report`)).json();
    return report.viewers.watch_time_ms >= 5000;
  });
  await page.locator('button.button', { hasText: 'Pause' }).click();
  await until('the show is paused', async () => (await show()).state === 'paused');
  await page.getByRole('button', { name: 'Resume' }).click();
  await until('the show goes on', async () => (await show()).state === 'live');
  await page.getByRole('button', { name: 'End show' }).click();
  await dialog.getByRole('button', { name: 'End show' }).click();
  await until('the show is over', async () => (await show()).state === 'ended');
  const report = page.getByRole('region', { name: 'How it went' });
  await report.waitFor({ timeout: 30_000 });
  const told = await rows(report);
  assert.deepEqual([told.People, told.Peak, told.Hearts], ['1', '2', '3']);
  assert.match(told['Watch time'], /^([5-9]|[1-9]\d) sec$|^[1-9] min$/);
  assert.match(told.Length, /^\d+:\d\d$/);
  await until('the replay is there', async () => (await show()).replay);
  assert.deepEqual(complaints, []);
} finally {
  encoder?.kill('SIGKILL');
  await chromium.close();
}
