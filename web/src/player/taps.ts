/** Tells single taps from double ones; after a double tap, every quick further tap counts as one more. */
export interface TapNews {
  single: (touch: boolean) => void;
  double: (x: number, y: number) => void;
}

const TOGETHER_MS = 260;
/** Within a streak of hearts a finger may be a little slower. */
const STREAK_MS = 600;

export class TapReader {
  private last_ms = -Infinity;
  private streak = false;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly news: TapNews) {}

  tap(x: number, y: number, touch: boolean, at_ms: number): void {
    const since_ms = at_ms - this.last_ms;
    this.last_ms = at_ms;
    if (since_ms < (this.streak ? STREAK_MS : TOGETHER_MS)) {
      clearTimeout(this.timer);
      this.streak = true;
      this.news.double(x, y);
      return;
    }
    this.streak = false;
    this.timer = setTimeout(() => this.news.single(touch), TOGETHER_MS);
  }

  close(): void {
    clearTimeout(this.timer);
  }
}
