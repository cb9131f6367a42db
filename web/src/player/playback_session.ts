/**
 * One viewer's playback session: opened with the server, kept alive by beats from a Worker, carrier of hearts.
 * Lost at worst: the taps of the last three seconds if the browser refuses the beacon.
 */
import { leaveBeat, leaveHearts, openPlayback, sendHearts } from '../api/playback';
import { Problem } from '../api/problem';
import type { HeartBatch } from '../api/types';
import type { Anchor, FromBeatWorker, ToBeatWorker } from './beats';
import { HeartBatches, type HeartNews } from './heart_batches';

const HEARTS_EVERY_MS = 3000;
const REOPEN_AFTER_MS = 4000;

export class PlaybackSession {
  readonly hearts: HeartBatches;
  private readonly worker = new Worker(new URL('../beats.worker.ts', import.meta.url), { type: 'module' });
  private readonly heartTimer: ReturnType<typeof setInterval>;
  private session: string | undefined;
  private anchor: Anchor = { position_ms: 0, at_ms: Date.now(), moving: false };
  private opening = false;
  private closed = false;

  constructor(
    private readonly broadcast: string,
    news: HeartNews,
  ) {
    this.hearts = new HeartBatches((batch) => this.sendBatch(batch), news);
    this.worker.onmessage = ({ data }: MessageEvent<FromBeatWorker>) => {
      if (data.kind === 'session_lost') void this.open();
    };
    this.heartTimer = setInterval(() => void this.hearts.flush(), HEARTS_EVERY_MS);
    addEventListener('pagehide', this.leave);
    addEventListener('pageshow', this.comeBack);
    void this.open();
  }

  mark(position_ms: number, moving: boolean): void {
    this.anchor = { position_ms, at_ms: Date.now(), moving };
    this.tell({ kind: 'mark', anchor: this.anchor });
  }

  stalled(): void {
    this.tell({ kind: 'stalled' });
  }

  measured(bits_per_s: number): void {
    this.tell({ kind: 'measured', bits_per_s });
  }

  close(): void {
    if (this.closed) return;
    this.leave();
    this.closed = true;
    clearInterval(this.heartTimer);
    removeEventListener('pagehide', this.leave);
    removeEventListener('pageshow', this.comeBack);
    this.worker.terminate();
  }

  private async open(): Promise<void> {
    if (this.opening || this.closed) return;
    this.opening = true;
    try {
      const { session, beat_every_ms } = await openPlayback(this.broadcast);
      if (this.closed) return;
      this.session = session;
      this.hearts.useSession(session);
      this.tell({ kind: 'open', session, every_ms: beat_every_ms });
      this.tell({ kind: 'mark', anchor: this.anchor });
    } catch (failure) {
      const waiting_ms = failure instanceof Problem && failure.retry_after_s ? failure.retry_after_s * 1000 : REOPEN_AFTER_MS;
      const hopeless = failure instanceof Problem && !failure.passing;
      if (!hopeless) setTimeout(() => void this.open(), waiting_ms);
    } finally {
      this.opening = false;
    }
  }

  private async sendBatch(batch: HeartBatch): Promise<{ total: number }> {
    try {
      return await sendHearts(batch);
    } catch (failure) {
      if (failure instanceof Problem && failure.code === 'bad_session') void this.open();
      throw failure;
    }
  }

  private readonly leave = (): void => {
    if (this.closed || this.session === undefined) return;
    for (const batch of this.hearts.takeLast()) leaveHearts(batch);
    leaveBeat({ session: this.session, position_ms: this.anchor.position_ms });
    this.tell({ kind: 'rest' });
  };

  /** The browser kept the page and brought it back: beats go on in a new session. */
  private readonly comeBack = (event: PageTransitionEvent): void => {
    if (event.persisted) void this.open();
  };

  private tell(message: ToBeatWorker): void {
    this.worker.postMessage(message);
  }
}
