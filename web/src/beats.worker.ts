/** Sends the beats of one playback session. Timers of a Worker keep their pace in a hidden tab. */
import type { Beat } from './api/types';
import { BeatBook, type FromBeatWorker, type ToBeatWorker } from './player/beats';

let book: BeatBook | undefined;
let timer: ReturnType<typeof setInterval> | undefined;

self.onmessage = ({ data }: MessageEvent<ToBeatWorker>) => {
  switch (data.kind) {
    case 'open':
      book = new BeatBook(data.session);
      clearInterval(timer);
      timer = setInterval(beat, data.every_ms);
      break;
    case 'mark':
      book?.mark(data.anchor);
      // The first sign of a picture is told at once, so that a viewer counts without waiting for the pace.
      if (data.anchor.moving && !started) {
        started = true;
        void beat();
      }
      break;
    case 'stalled':
      book?.stalled();
      break;
    case 'measured':
      book?.measured(data.bits_per_s);
      break;
    case 'rest':
      clearInterval(timer);
      timer = undefined;
      started = false;
      break;
  }
};

let started = false;

async function beat(): Promise<void> {
  if (book === undefined) return;
  const sent = book.next(Date.now());
  const outcome = await send(sent);
  if (outcome === 'lost') book.giveBack(sent);
  if (outcome === 'unknown_session') self.postMessage({ kind: 'session_lost' } satisfies FromBeatWorker);
}

async function send(beat: Beat): Promise<'counted' | 'lost' | 'unknown_session'> {
  try {
    const response = await fetch('/api/v1/beats', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(beat),
      keepalive: true,
    });
    // Unknown, or one that has said goodbye already: both need a new one.
    if (response.status === 401 || response.status === 409) return 'unknown_session';
    return response.ok ? 'counted' : 'lost';
  } catch {
    return 'lost';
  }
}
