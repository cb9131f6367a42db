/** Plays an HLS address with the browser's own player (Safari on a phone has no other). */
import type { Source, SourceNews, SourceReading } from './source';
import type { Stretch } from './timeline_map';

type DatedVideo = HTMLVideoElement & { getStartDate?: () => Date };

const RETRY_MS = 3000;
const LIVE_DISTANCE_S = 2;
const JUMP_BEYOND_S = 12;

export class NativeSource implements Source {
  private retry: ReturnType<typeof setTimeout> | undefined;
  private failures = 0;

  constructor(
    private readonly video: DatedVideo,
    private address: string,
    private readonly live: boolean,
    private readonly news: SourceNews,
  ) {
    video.addEventListener('loadedmetadata', this.onLoaded);
    video.addEventListener('error', this.onError);
    video.src = address;
  }

  static isSupported(video: HTMLVideoElement): boolean {
    return video.canPlayType('application/vnd.apple.mpegurl') !== '';
  }

  read(): SourceReading {
    const start_ms = this.startDate();
    const edge_s = this.edge();
    return {
      date_ms: start_ms === undefined ? undefined : start_ms + this.video.currentTime * 1000,
      live_edge_s: edge_s,
      latency_s: edge_s === undefined ? undefined : edge_s + LIVE_DISTANCE_S - this.video.currentTime,
      bitrate_bps: 0,
      bandwidth_bps: 0,
    };
  }

  stretches(): Stretch[] {
    const date_ms = this.startDate();
    return date_ms === undefined ? [] : [{ start_s: 0, length_s: this.video.duration, date_ms }];
  }

  keepNear(): void {
    const edge_s = this.edge();
    if (edge_s !== undefined && edge_s - this.video.currentTime > JUMP_BEYOND_S) this.video.currentTime = edge_s;
  }

  moveTo(address: string): void {
    this.address = address;
    if (this.failures > 0) this.open();
  }

  close(): void {
    clearTimeout(this.retry);
    this.video.removeEventListener('loadedmetadata', this.onLoaded);
    this.video.removeEventListener('error', this.onError);
    this.video.removeAttribute('src');
    this.video.load();
  }

  private edge(): number | undefined {
    const { seekable } = this.video;
    return this.live && seekable.length > 0 ? Math.max(0, seekable.end(seekable.length - 1) - LIVE_DISTANCE_S) : undefined;
  }

  private startDate(): number | undefined {
    const at_ms = this.video.getStartDate?.().getTime();
    return at_ms === undefined || Number.isNaN(at_ms) ? undefined : at_ms;
  }

  private readonly onLoaded = (): void => {
    this.failures = 0;
    this.news.onReady();
    this.news.onWorking();
  };

  private readonly onError = (): void => {
    this.failures += 1;
    if (this.failures === 3) this.news.onFailing();
    clearTimeout(this.retry);
    this.retry = setTimeout(() => this.open(), RETRY_MS);
    // The browser does not tell why.
    this.news.onRefused();
  };

  private open(): void {
    clearTimeout(this.retry);
    const { currentTime } = this.video;
    this.video.src = this.address;
    this.video.load();
    if (!this.live) this.video.currentTime = currentTime;
  }
}
