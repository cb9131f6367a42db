// Every page in both languages, on a phone and a desk, light and dark: it speaks the language, fits the width, complains of
// nothing, and axe finds nothing serious.
// Usage: node tests/pages.mjs URL LIVE ENDED HANDLE (an administrator with a live and an ended show; password "correct horse")
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { browser } from './page.mjs';

const [url, live, ended, handle] = process.argv.slice(2);
const AXE = readFileSync(new URL('../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');
/** Ways at once: while one waits for a picture, others work. */
const AT_ONCE = 3;

/** A word that stands in the page's own part once it is there. `missing`: the server answers with 404, as it should. */
const PAGES = [
  { address: '/', en: 'Live now', ko: '지금 라이브' },
  { address: `/watch/${live}`, en: 'Host', ko: '진행자', plays: true },
  { address: `/watch/${ended}`, en: 'Replay', ko: '다시보기', plays: true },
  { address: `/@${handle}`, en: 'Replays', ko: '다시보기' },
  { address: '/signup', en: 'Join the yard', ko: '마당에 들어오기', stranger: true },
  { address: '/signin', en: 'Welcome back', ko: '다시 만나 반가워요', stranger: true },
  { address: '/settings', en: 'Look and language', ko: '화면과 언어' },
  { address: '/studio', en: 'Past broadcasts', ko: '지난 방송' },
  { address: `/studio/${live}`, en: 'Incoming stream', ko: '들어오는 영상' },
  { address: `/studio/${ended}`, en: 'Viewers over the show', ko: '시청자 흐름' },
  { address: '/admin', en: 'Words blocked on the whole site', ko: '사이트 전체 금지어' },
  { address: '/claim', en: 'Become the administrator', ko: '관리자 되기' },
  { address: '/docs', en: 'API reference', ko: 'API 문서' },
  { address: '/no/such/page', en: 'No such page', ko: '없는 페이지예요', missing: true },
];

async function look(page, { address, plays, missing, stranger, ...words }, language, faults) {
  const say = (fault) => faults.push(fault);
  page.removeAllListeners('console').removeAllListeners('pageerror');
  page.on('pageerror', (error) => say(String(error)));
  page.on('console', (message) => {
    const { pathname } = new URL(message.location().url || url);
    // The browser's own note about an answer that is as it should be: nobody is signed in, no such page.
    const expected = (stranger && pathname === '/api/v1/me') || (missing && pathname === address);
    if (message.type() === 'error' && !expected) say(`console: ${message.text()}`);
  });
  await page.goto(`${url}${address}`);
  const word = words[language];
  await page.getByRole('main').getByText(word).first().waitFor({ state: 'visible', timeout: 20_000 }).catch(() => say(`does not say "${word}"`));
  if (plays) await page.waitForFunction(() => document.querySelector('video')?.currentTime > 0, null, { timeout: 20_000 }).catch(() => say('does not play'));
  const [wide, room, lang] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth, document.documentElement.lang]);
  if (wide > room) say(`is ${wide} px wide in ${room} px`);
  if (lang !== language) say(`is marked as "${lang}"`);
  await page.evaluate(AXE);
  const found = await page.evaluate(async () => {
    const { violations } = await window.axe.run(document, { resultTypes: ['violations'] });
    return violations.filter(({ impact }) => impact === 'serious' || impact === 'critical').map(({ id, help, nodes }) => {
      const places = nodes.slice(0, 3).map(({ target, failureSummary }) => `${target.join(' ')} ${failureSummary.split('\n').slice(1).join(' ').trim()}`);
      return `${id}: ${help}\n      ${places.join('\n      ')}`;
    });
  });
  found.forEach(say);
}

const chromium = await browser();
const faults = [];
let seen = 0;
try {
  const door = await chromium.newContext();
  const signedIn = await door.request.post(`${url}/api/v1/sessions`, { data: { handle, password: 'correct horse' }, headers: { origin: url } });
  assert.ok(signedIn.ok(), await signedIn.text());
  const storageState = await door.storageState();
  const ways = ['en', 'ko'].flatMap((language) => [360, 1280].flatMap((width) => ['light', 'dark'].map((colorScheme) => ({ language, width, colorScheme }))));
  const tour = async ({ language, width, colorScheme }) => {
    const options = { locale: language === 'ko' ? 'ko-KR' : 'en-US', colorScheme, viewport: { width, height: 800 }, reducedMotion: 'reduce' };
    const [member, stranger] = await Promise.all([chromium.newContext({ ...options, storageState }), chromium.newContext(options)]);
    const [inside, outside] = [await member.newPage(), await stranger.newPage()];
    for (const one of PAGES) {
      const here = [];
      await look(one.stranger ? outside : inside, one, language, here);
      faults.push(...here.map((fault) => `${one.address} ${language} ${width} ${colorScheme}: ${fault}`));
      seen += 1;
    }
    await Promise.all([member.close(), stranger.close()]);
  };
  const runner = async () => {
    for (let way = ways.shift(); way; way = ways.shift()) await tour(way);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, runner));
  assert.equal(seen, PAGES.length * 8, 'every page was seen in every way');
  assert.deepEqual(faults, [], faults.join('\n'));
} finally {
  await chromium.close();
}
