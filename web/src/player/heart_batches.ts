/**
 * Collects taps and sends them in numbered batches, one at a time.
 *
 * A batch whose fate is unknown is sent again under the same number, so that no tap counts twice. Taps beyond
 * `BATCH_LIMIT` within one batch are dropped.
 */
import { Problem } from '../api/problem';
import type { HeartBatch } from '../api/types';

/** Twelve a second for three seconds: what fast fingers do, and what the server takes. */
export const BATCH_LIMIT = 36;

type Send = (batch: HeartBatch) => Promise<{ total: number }>;

export interface HeartNews {
  /** The room's total after a batch was counted. */
  onTotal: (total: number) => void;
  /** A batch was refused and will not count. */
  onRefused: (problem: Problem) => void;
}

export class HeartBatches {
  private waiting: number[] = [];
  private unanswered: HeartBatch | undefined;
  private sending = false;
  private seq = 0;
  private session: string | undefined;

  constructor(
    private readonly send: Send,
    private readonly news: HeartNews,
  ) {}

  /** Taps that the server has not counted yet. */
  get pending(): number {
    return this.waiting.length + (this.unanswered?.taps.length ?? 0);
  }

  /** Numbers start anew with each session; what the old one did not answer is sent in the new one. */
  useSession(session: string): void {
    if (session === this.session) return;
    this.session = session;
    this.seq = 0;
    if (this.unanswered) this.waiting = [...this.unanswered.taps, ...this.waiting].slice(0, BATCH_LIMIT);
    this.unanswered = undefined;
  }

  /** False when the tap is beyond what one batch may carry. */
  tap(position_ms: number): boolean {
    if (this.waiting.length >= BATCH_LIMIT) return false;
    this.waiting.push(Math.max(0, Math.round(position_ms)));
    return true;
  }

  async flush(): Promise<void> {
    if (this.sending) return;
    const batch = this.unanswered ?? this.nextBatch();
    if (batch === undefined) return;
    this.unanswered = batch;
    this.sending = true;
    try {
      const { total } = await this.send(batch);
      this.settle(batch);
      this.news.onTotal(total);
    } catch (failure) {
      this.judge(batch, failure);
    } finally {
      this.sending = false;
    }
  }

  /** What is left when the page goes away, to be handed to a beacon. A page that comes back does not send it again. */
  takeLast(): HeartBatch[] {
    const last = [this.unanswered, this.nextBatch()].filter((batch) => batch !== undefined);
    this.unanswered = undefined;
    return last;
  }

  private nextBatch(): HeartBatch | undefined {
    if (this.session === undefined || this.waiting.length === 0) return undefined;
    const taps = this.waiting;
    this.waiting = [];
    this.seq += 1;
    return { session: this.session, seq: this.seq, taps };
  }

  private judge(batch: HeartBatch, failure: unknown): void {
    if (!(failure instanceof Problem)) throw failure;
    // A rate refusal counted nothing, so the same batch may try again later, as after a lost answer.
    if (failure.passing || failure.code === 'bad_session') {
      if (failure.status === 429) this.news.onRefused(failure);
      return;
    }
    this.settle(batch);
    if (failure.code !== 'replayed_batch') this.news.onRefused(failure);
  }

  private settle(batch: HeartBatch): void {
    if (this.unanswered === batch) this.unanswered = undefined;
  }
}
