/** What a beat says, worked out without asking the player, so that a hidden tab's Worker can do it. */
import type { Beat } from '../api/types';

/** Where the player was at a moment, and whether it went on from there. */
export interface Anchor {
  position_ms: number;
  at_ms: number;
  moving: boolean;
}

/** A player that has told nothing for this long is taken to stand still. */
const TRUSTED_MS = 60_000;

export function positionAt(anchor: Anchor, now_ms: number): number {
  if (!anchor.moving) return anchor.position_ms;
  const since_ms = Math.min(TRUSTED_MS, Math.max(0, now_ms - anchor.at_ms));
  return Math.round(anchor.position_ms + since_ms);
}

/** Gathers stalls between beats and gives them back when a beat does not arrive. */
export class BeatBook {
  private stalls = 0;
  private bitrate: number | undefined;
  private anchor: Anchor = { position_ms: 0, at_ms: 0, moving: false };

  constructor(readonly session: string) {}

  mark(anchor: Anchor): void {
    this.anchor = anchor;
  }

  stalled(): void {
    this.stalls += 1;
  }

  measured(bits_per_s: number): void {
    if (bits_per_s > 0) this.bitrate = Math.round(bits_per_s);
  }

  next(now_ms: number): Beat {
    const beat: Beat = { session: this.session, position_ms: positionAt(this.anchor, now_ms) };
    if (this.stalls > 0) beat.stalls = this.stalls;
    if (this.bitrate !== undefined) beat.bitrate = this.bitrate;
    this.stalls = 0;
    return beat;
  }

  giveBack(beat: Beat): void {
    this.stalls += beat.stalls ?? 0;
  }
}

export type ToBeatWorker =
  | { kind: 'open'; session: string; every_ms: number }
  | { kind: 'mark'; anchor: Anchor }
  | { kind: 'stalled' }
  | { kind: 'measured'; bits_per_s: number }
  | { kind: 'rest' };

export type FromBeatWorker = { kind: 'session_lost' };
