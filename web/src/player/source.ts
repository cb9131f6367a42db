/** What the player wants from whatever brings the picture: hls.js, or the browser itself. */
import type { Stretch } from './timeline_map';

export interface SourceNews {
  /** The picture can be played, for the first time or anew. */
  onReady: () => void;
  onWorking: () => void;
  /** Several tries have failed; the source goes on trying. */
  onFailing: () => void;
  /** Its address is no longer good, it seems; the source goes on trying, under the newest one it is told. */
  onRefused: () => void;
  /** This source will not play on by itself: it has to be opened anew. */
  onBroken: () => void;
}

export interface SourceReading {
  /** The wall-clock time of the picture on the screen. */
  date_ms: number | undefined;
  /** The player's second that counts as "live". */
  live_edge_s: number | undefined;
  latency_s: number | undefined;
  bitrate_bps: number;
  bandwidth_bps: number;
}

export interface Source {
  read(): SourceReading;
  stretches(): Stretch[];
  keepNear(): void;
  /** The same picture has another address from now on. */
  moveTo(address: string): void;
  close(): void;
}
