/** The player's state and commands, apart from what draws them. */
import { isNewToken } from './signed_address';
import type { Source, SourceReading } from './source';
import { StallWatch } from './stall_watch';
import { positionOf, secondOf, type Stretch } from './timeline_map';

export type Mode = 'live' | 'replay';

const KEPT_VOLUME = 'madang.volume';
/** How far behind the live edge still counts as live. */
const LIVE_SLACK_S = 4;
const READ_EVERY_MS = 500;
const STEP_S = 5;

export interface PlayerEvents {
  onStall: () => void;
  /** The address is no longer good: the show is to be asked for a new one, which comes by `load`. */
  onRefused: () => Promise<void>;
  /** Twice a second, while something is loaded. */
  onProgress: (moving: boolean, bitrate_bps: number) => void;
}

export class Player {
  mode = $state<Mode>('live');
  ready = $state(false);
  playing = $state(false);
  waiting = $state(false);
  failing = $state(false);
  /** The browser let us start only without sound. */
  silenced = $state(false);
  /** The browser did not let us start at all. */
  blocked = $state(false);
  muted = $state(false);
  volume = $state(1);
  time_s = $state(0);
  start_s = $state(0);
  end_s = $state(0);
  buffered_s = $state(0);
  stalls = $state(0);
  following = $state(true);
  size = $state('');
  rate = $state(1);
  dropped = $state(0);
  reading = $state.raw<SourceReading>({ date_ms: undefined, live_edge_s: undefined, latency_s: undefined, bitrate_bps: 0, bandwidth_bps: 0 });
  stretches = $state.raw<Stretch[]>([]);

  readonly atLive = $derived(this.mode === 'live' && this.following && this.end_s - this.time_s < LIVE_SLACK_S + 2);
  readonly behind_s = $derived(Math.max(0, this.end_s - this.time_s));

  private source: Source | undefined;
  private timer: ReturnType<typeof setInterval> | undefined;
  private wanted = false;
  private address = '';
  private readonly stall = new StallWatch();
  private loading = 0;
  private asking = false;

  constructor(
    private readonly video: HTMLVideoElement,
    private readonly events: PlayerEvents,
  ) {
    this.volume = keptVolume();
    video.volume = this.volume;
  }

  /** Brings the picture of this address; what played before is closed, unless it is the same under another token. */
  async load(address: string, mode: Mode): Promise<void> {
    if (this.source && mode === this.mode && isNewToken(address, this.address)) {
      this.address = address;
      this.source.moveTo(address);
      return;
    }
    this.unload();
    const turn = ++this.loading;
    this.address = address;
    this.stall.moved(Date.now());
    this.mode = mode;
    this.following = true;
    this.wanted = true;
    this.waiting = true;
    const { HlsSource } = await import('./hls_source');
    if (turn !== this.loading) return;
    const news = {
      onReady: () => this.onReady(),
      onWorking: () => (this.failing = false),
      onFailing: () => (this.failing = true),
      onRefused: () => void this.askForAddress(),
      onBroken: () => void this.load(this.address, mode),
    };
    if (HlsSource.isSupported()) {
      this.source = new HlsSource(this.video, address, mode === 'live', news);
    } else {
      const { NativeSource } = await import('./native_source');
      if (turn !== this.loading) return;
      this.source = new NativeSource(this.video, address, mode === 'live', news);
    }
    this.timer = setInterval(() => this.readSource(), READ_EVERY_MS);
  }

  unload(): void {
    this.loading += 1;
    clearInterval(this.timer);
    this.source?.close();
    this.source = undefined;
    this.ready = this.playing = this.waiting = this.failing = this.blocked = false;
    this.time_s = this.start_s = this.end_s = this.buffered_s = 0;
    this.stretches = [];
  }

  async play(): Promise<void> {
    this.wanted = true;
    this.blocked = false;
    try {
      await this.video.play();
    } catch (failure) {
      if (!(failure instanceof DOMException) || failure.name !== 'NotAllowedError') return;
      await this.playSilently();
    }
  }

  pause(): void {
    this.wanted = false;
    this.video.pause();
    if (this.mode === 'live') this.following = false;
  }

  toggle(): void {
    if (this.video.paused) void this.play();
    else this.pause();
  }

  setMuted(muted: boolean): void {
    this.video.muted = muted;
    if (!muted) {
      this.silenced = false;
      if (this.video.volume === 0) this.setVolume(0.5);
    }
  }

  setVolume(volume: number): void {
    this.video.volume = Math.min(1, Math.max(0, volume));
    if (volume > 0) this.setMuted(false);
    localStorage.setItem(KEPT_VOLUME, String(this.video.volume));
  }

  seek(second: number): void {
    const target = Math.min(this.end_s, Math.max(this.start_s, second));
    if (this.mode === 'live') this.following = this.end_s - target < LIVE_SLACK_S;
    this.video.currentTime = this.following && this.mode === 'live' ? (this.reading.live_edge_s ?? target) : target;
    this.time_s = target;
  }

  step(direction: 1 | -1): void {
    this.seek(this.video.currentTime + direction * STEP_S);
  }

  goLive(): void {
    if (this.mode !== 'live') return;
    this.following = true;
    const edge = this.reading.live_edge_s ?? this.end_s;
    if (edge > this.video.currentTime) this.video.currentTime = edge;
    void this.play();
  }

  position(timeline_start_ms: number): number | undefined {
    const date_ms = this.source?.read().date_ms;
    if (date_ms !== undefined) return Math.max(0, date_ms - timeline_start_ms);
    return positionOf(this.stretches, this.video.currentTime, timeline_start_ms);
  }

  secondOf(position_ms: number, timeline_start_ms: number): number | undefined {
    return secondOf(this.stretches, position_ms, timeline_start_ms);
  }

  /** Handlers for the video element's own events. */
  readonly on = {
    play: () => (this.playing = true),
    pause: () => (this.playing = false),
    playing: () => {
      this.waiting = false;
      this.failing = false;
    },
    waiting: () => {
      // The first wait is the start; later ones are stalls a viewer sees.
      if (this.ready && this.video.currentTime > 0 && !this.video.seeking) {
        this.stalls += 1;
        this.events.onStall();
      }
      this.waiting = true;
    },
    volumechange: () => {
      this.muted = this.video.muted || this.video.volume === 0;
      this.volume = this.video.volume;
    },
    timeupdate: () => {
      // A picture that moves is not waited for, whatever was said before.
      if (this.waiting && this.video.readyState >= 3 && !this.video.paused) this.waiting = false;
      this.readVideo();
    },
    ended: () => (this.playing = false),
  };

  /** Several requests are refused at a time, and asked for once. */
  private async askForAddress(): Promise<void> {
    if (this.asking) return;
    this.asking = true;
    try {
      await this.events.onRefused();
    } finally {
      this.asking = false;
    }
  }

  private onReady(): void {
    this.ready = true;
    if (this.wanted) void this.play();
  }

  private async playSilently(): Promise<void> {
    this.video.muted = true;
    try {
      await this.video.play();
      this.silenced = true;
    } catch {
      this.blocked = true;
    }
  }

  private readSource(): void {
    if (!this.source) return;
    this.reading = this.source.read();
    this.stretches = this.source.stretches();
    if (this.following && this.mode === 'live' && !this.video.paused) this.source.keepNear();
    this.readVideo();
    this.watchStall();
    this.rate = this.video.playbackRate;
    this.dropped = this.video.getVideoPlaybackQuality?.().droppedVideoFrames ?? 0;
    this.size = this.video.videoWidth > 0 ? `${this.video.videoWidth}×${this.video.videoHeight}` : '';
    const moving = !this.video.paused && this.video.readyState >= 2;
    this.events.onProgress(moving, this.reading.bitrate_bps);
  }

  private watchStall(): void {
    if (this.mode !== 'live' || !this.ready || this.video.paused) {
      this.stall.moved(Date.now());
      return;
    }
    const edge_s = this.following ? (this.reading.live_edge_s ?? this.end_s) : this.end_s;
    const advice = this.stall.look(Date.now(), this.video.currentTime, edge_s);
    if (advice !== 'fine') this.waiting = true;
    if (advice === 'jump') this.video.currentTime = edge_s;
    if (advice === 'reload') void this.load(this.address, this.mode);
  }

  private readVideo(): void {
    const { seekable, buffered, currentTime, duration } = this.video;
    this.time_s = currentTime;
    if (seekable.length > 0) {
      this.start_s = seekable.start(0);
      const end = seekable.end(seekable.length - 1);
      this.end_s = this.mode === 'replay' && Number.isFinite(duration) ? duration : end;
    }
    this.buffered_s = buffered.length > 0 ? buffered.end(buffered.length - 1) : 0;
  }
}

function keptVolume(): number {
  const kept = Number(localStorage.getItem(KEPT_VOLUME) ?? 1);
  return kept > 0 && kept <= 1 ? kept : 1;
}
