/** Plays an HLS address with hls.js: low latency for a live show, the whole timeline for a replay. */
import Hls, { type ErrorData, type HlsConfig } from 'hls.js/light';
import { SignedAddress } from './signed_address';
import type { Source, SourceNews, SourceReading } from './source';
import type { Stretch } from './timeline_map';

/** The wanted distance to the live edge. */
const LIVE_DISTANCE_S = 1.2;
/** A follower of the live edge further behind than this jumps instead of catching up. */
const JUMP_BEYOND_S = 4;
const MEDIA_ERRORS_TOGETHER_MS = 15_000;
const MEASURED_OVER_S = 6;
const FIRST_RETRY_MS = 1000;
const RETRY_LIMIT_MS = 8000;
/** Failures in a row before the viewer is told; trying goes on all the same. */
const TOLD_AFTER = 4;
const FORBIDDEN = 403;

const LIVE: Partial<HlsConfig> = {
  lowLatencyMode: true,
  liveSyncDuration: LIVE_DISTANCE_S,
  // A stall teaches caution, but not a whole second of it.
  liveSyncOnStallIncrease: 0.5,
  maxLiveSyncPlaybackRate: 1.15,
  liveDurationInfinity: true,
  backBufferLength: 60,
  maxBufferLength: 12,
  manifestLoadPolicy: policy(8000),
  playlistLoadPolicy: policy(10_000),
};

export class HlsSource implements Source {
  private readonly hls: Hls;
  private failures = 0;
  private mediaError_ms = -Infinity;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private readonly address: SignedAddress;
  private refused = false;
  /** What the picture really takes, over the last seconds. */
  private bitrate_bps = 0;

  constructor(
    private readonly video: HTMLVideoElement,
    address: string,
    private readonly live: boolean,
    private readonly news: SourceNews,
  ) {
    this.address = new SignedAddress(address, location.href);
    this.hls = new Hls({ ...(live ? LIVE : { backBufferLength: 120 }), xhrSetup: (request, file) => this.setUp(request, file) });
    this.hls.on(Hls.Events.ERROR, (_event, data) => this.onError(data));
    this.hls.on(Hls.Events.FRAG_BUFFERED, (_event, { stats, frag, part }) => this.onLoaded(stats.total, part?.duration ?? frag.duration));
    this.hls.on(Hls.Events.MANIFEST_PARSED, () => this.news.onReady());
    this.hls.loadSource(address);
    this.hls.attachMedia(video);
  }

  static isSupported(): boolean {
    return Hls.isSupported();
  }

  read(): SourceReading {
    const level = this.hls.levels[this.hls.currentLevel] ?? this.hls.levels[0];
    return {
      date_ms: this.hls.playingDate?.getTime(),
      live_edge_s: this.live ? (this.hls.liveSyncPosition ?? undefined) : undefined,
      latency_s: this.live ? this.hls.latency : undefined,
      bitrate_bps: this.bitrate_bps || level?.bitrate || 0,
      bandwidth_bps: this.hls.bandwidthEstimate || 0,
    };
  }

  stretches(): Stretch[] {
    const fragments = this.hls.levels[this.hls.currentLevel]?.details?.fragments ?? [];
    const found: Stretch[] = [];
    for (const { start, duration, programDateTime } of fragments) {
      const last = found.at(-1);
      if (programDateTime === null || programDateTime === undefined) continue;
      const expected_ms = last && last.date_ms + (start - last.start_s) * 1000;
      if (last && expected_ms !== undefined && Math.abs(expected_ms - programDateTime) < 250) last.length_s = start + duration - last.start_s;
      else found.push({ start_s: start, length_s: duration, date_ms: programDateTime });
    }
    return found;
  }

  /** Keeps a viewer who follows the live edge near it, where a slightly faster pace no longer can. */
  keepNear(): void {
    const edge = this.hls.liveSyncPosition;
    if (edge !== null && edge - this.video.currentTime > JUMP_BEYOND_S) this.video.currentTime = edge;
  }

  moveTo(address: string): void {
    this.address.moveTo(address);
    if (!this.refused) return;
    clearTimeout(this.retry);
    this.goOn();
  }

  close(): void {
    clearTimeout(this.retry);
    this.hls.destroy();
  }

  private onLoaded(bytes: number, length_s: number): void {
    this.failures = 0;
    this.news.onWorking();
    if (length_s <= 0 || bytes <= 0) return;
    const now_bps = (bytes * 8) / length_s;
    const weight = Math.min(1, length_s / MEASURED_OVER_S);
    this.bitrate_bps = this.bitrate_bps === 0 ? now_bps : this.bitrate_bps + (now_bps - this.bitrate_bps) * weight;
  }

  private onError(data: ErrorData): void {
    if (data.response?.code === FORBIDDEN) {
      this.refused = true;
      this.news.onRefused();
    }
    if (!data.fatal) return;
    this.failures += 1;
    console.warn(`player: ${data.type}, ${data.details}: ${data.error.message}`);
    if (this.failures === TOLD_AFTER) this.news.onFailing();
    if (data.type === Hls.ErrorTypes.MEDIA_ERROR) {
      this.onMediaError();
      return;
    }
    this.later(() => this.goOn());
  }

  private goOn(): void {
    this.refused = false;
    const nothingYet = this.hls.levels.length === 0;
    if (nothingYet) this.hls.loadSource(this.address.now);
    else this.hls.startLoad(this.live ? -1 : this.video.currentTime);
  }

  /** What a playlist named under an address that has run out is asked for under the one that has not. */
  private setUp(request: XMLHttpRequest, file: string): void {
    const now = this.address.of(file);
    if (now !== file) request.open('GET', now, true);
  }

  /**
   * Live, the source is opened anew at the edge, past whatever could not be decoded. A replay tries the place again where
   * it stood, and is opened anew when that fails too.
   */
  private onMediaError(): void {
    const now_ms = performance.now();
    const again = now_ms - this.mediaError_ms < MEDIA_ERRORS_TOGETHER_MS;
    this.mediaError_ms = now_ms;
    if (this.live || again) {
      this.hls.stopLoad();
      this.later(() => this.news.onBroken());
      return;
    }
    this.hls.recoverMediaError();
    this.hls.startLoad(this.video.currentTime);
    // The new attachment leaves the element paused without a word.
    this.news.onReady();
  }

  private later(retry: () => void): void {
    const wait_ms = Math.min(RETRY_LIMIT_MS, FIRST_RETRY_MS * 2 ** (this.failures - 1));
    clearTimeout(this.retry);
    this.retry = setTimeout(retry, wait_ms);
  }
}

function policy(maxTimeToFirstByteMs: number): HlsConfig['manifestLoadPolicy'] {
  const retry = { maxNumRetry: 2, retryDelayMs: 500, maxRetryDelayMs: 2000 };
  return { default: { maxTimeToFirstByteMs, maxLoadTimeMs: 20_000, timeoutRetry: retry, errorRetry: retry } };
}
