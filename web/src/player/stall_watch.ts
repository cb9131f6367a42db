/**
 * Notices a picture that stands still although it should move, which media elements do not always tell, and says what to
 * do about it: first jump to the live edge, later load the source anew. While nothing new comes in (an encoder that is
 * away) it only waits.
 */
export type StallAdvice = 'fine' | 'wait' | 'jump' | 'reload';

const STILL_MS = 1500;
const JUMP_AFTER_MS = 4000;
const RELOAD_AFTER_MS = 10_000;
/** The edge must be this far ahead for a jump to make sense. */
const AHEAD_S = 1;

export class StallWatch {
  private time_s = -1;
  private moved_ms = 0;
  private jumped = false;

  /** `edge_s` is where the player could be now; `undefined` when nothing is known of it. */
  look(now_ms: number, time_s: number, edge_s: number | undefined): StallAdvice {
    if (time_s !== this.time_s) {
      // A jump moves the time once; only a picture that goes on by itself ends the stall.
      if (!this.jumped || time_s - this.time_s < AHEAD_S) this.moved(now_ms);
      this.time_s = time_s;
      return 'fine';
    }
    const still_ms = now_ms - this.moved_ms;
    if (still_ms < STILL_MS) return 'fine';
    if (edge_s === undefined || edge_s - time_s < AHEAD_S) {
      // Nothing to play: the clock for drastic means starts when there is.
      this.moved_ms = now_ms - STILL_MS;
      return 'wait';
    }
    if (still_ms >= RELOAD_AFTER_MS) {
      this.moved(now_ms);
      return 'reload';
    }
    if (still_ms >= JUMP_AFTER_MS && !this.jumped) {
      this.jumped = true;
      return 'jump';
    }
    return 'wait';
  }

  /** The picture moved, or is not meant to. */
  moved(now_ms: number): void {
    this.moved_ms = now_ms;
    this.jumped = false;
  }
}
