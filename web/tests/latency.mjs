// Glass to glass: an encoder burns the time into the picture as a row of black and white blocks, one per bit; the page
// plays it, and the blocks are read back off the video. Encoder and page share the machine's clock.
// Usage: node tests/latency.mjs URL BROADCAST RTMP_URL
import { spawn } from 'node:child_process';
import { browser, until } from './page.mjs';

const [url, broadcast, rtmp] = process.argv.slice(2);
const SECONDS = 40;
const BITS = 24; // milliseconds of a day fit into 27 bits; 24 hold four and a half hours, which is enough to subtract

// RTCTIME is the wall clock in microseconds at the moment the filter sees the frame. As the frame's own time (`t`, in
// seconds) it decides which blocks are white; then the frame gets its place in the stream back.
const bit = (number) => `drawbox=x=${20 * number}:y=0:w=20:h=20:color=white:t=fill:enable='mod(floor(floor(t*1000+0.5)/${2 ** number}),2)'`;
const source = [
  'testsrc2=size=640x360:rate=30',
  'settb=1/1000',
  "setpts='RTCTIME/1000-86400000*floor(RTCTIME/86400000000)'",
  `drawbox=x=0:y=0:w=${20 * BITS}:h=20:color=black:t=fill`,
  ...Array.from({ length: BITS }, (_, number) => bit(number)),
  'setpts=N/30/TB',
].join(',');
const encoder = spawn(
  process.env.MADANG_TEST_FFMPEG ?? 'ffmpeg',
  ['-nostdin', '-loglevel', 'error', '-re', '-f', 'lavfi', '-i', source, '-f', 'lavfi', '-i', 'sine=440',
    '-c:v', 'libx264', '-preset', 'ultrafast', '-bf', '2', '-b_strategy', '0', '-g', '60', '-sc_threshold', '0', '-pix_fmt', 'yuv420p',
    '-c:a', 'aac', '-f', 'flv', rtmp],
  { stdio: ['ignore', 'inherit', 'inherit'] },
);

const chromium = await browser();
try {
  await until('the show is live', async () => (await (await fetch(`${url}/api/v1/broadcasts/${broadcast}`)).json()).state === 'live');
  const page = await chromium.newPage();
  await page.goto(`${url}/watch/${broadcast}`);
  await page.waitForFunction(() => document.querySelector('video')?.currentTime > 0, null, { timeout: 30_000 });
  // The first seconds belong to the player's start; what a viewer lives with is what comes after.
  await page.waitForTimeout(10_000);
  const readings = await page.evaluate(
    async ({ bits, seconds }) => {
      const video = document.querySelector('video');
      const canvas = document.createElement('canvas');
      const draw = canvas.getContext('2d', { willReadFrequently: true });
      const found = [];
      const end = performance.now() + seconds * 1000;
      while (performance.now() < end) {
        await new Promise((resolve) => video.requestVideoFrameCallback(resolve));
        const now = Date.now();
        canvas.width = video.videoWidth;
        canvas.height = 20;
        draw.drawImage(video, 0, 0);
        const row = draw.getImageData(0, 10, bits * 20, 1).data;
        let burnt = 0;
        for (let bit = 0; bit < bits; bit++) if (row[(bit * 20 + 10) * 4] > 127) burnt += 2 ** bit;
        const range = 2 ** bits;
        found.push((((now % 86_400_000) % range) - burnt + range) % range);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      return found;
    },
    { bits: BITS, seconds: SECONDS },
  );
  readings.sort((a, b) => a - b);
  const at = (share) => readings[Math.min(readings.length - 1, Math.floor(readings.length * share))];
  console.log(JSON.stringify({ samples: readings.length, seconds: SECONDS, p50_ms: at(0.5), p95_ms: at(0.95), max_ms: at(1) }));
} finally {
  encoder.kill('SIGKILL');
  await chromium.close();
}
