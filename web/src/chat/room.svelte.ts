/** A chat room as one reader sees it: its lines, what they are sending, and whether all of it is there. */
import { deleteMessage, readMessages, sendMessage, timeOut } from '../api/chat';
import { Problem } from '../api/problem';
import type { ChatMessage, RoomEntry } from '../api/types';
import { type Line, MessageList } from './message_list';

/** Arrivals are drawn together at this pace, so that a busy room stays smooth. */
const DRAW_EVERY_MS = 120;
const RESEND_AFTER_MS = [800, 2500];

export interface Sending {
  client_id: string;
  text: string;
  state: 'sending' | 'failed';
}

export type RoomState = 'loading' | 'open' | 'failed';

export class Room {
  lines = $state.raw<Line[]>([]);
  sending = $state.raw<Sending[]>([]);
  older = $state(false);
  unseen = $state(0);
  state = $state<RoomState>('loading');
  paging = $state(false);
  /** The newest messages of the last drawing, for those who listen to the page. */
  fresh = $state.raw<ChatMessage[]>([]);

  private readonly list = new MessageList();
  private arrivals: RoomEntry[] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;
  private closed = false;

  constructor(private readonly broadcast: string) {}

  /** Reads the newest page: at the start, and when messages were missed. */
  async read(): Promise<void> {
    try {
      const page = await readMessages(this.broadcast);
      this.list.replace(page.items, hasMore(page.next_cursor));
      this.state = 'open';
    } catch (failure) {
      if (!(failure instanceof Problem)) throw failure;
      if (this.lines.length === 0) this.state = 'failed';
    }
    this.draw();
  }

  take(entry: RoomEntry): void {
    this.arrivals.push(entry);
    this.timer ??= setTimeout(() => this.draw(), DRAW_EVERY_MS);
  }

  async readOlder(): Promise<void> {
    const { reached } = this.list;
    if (this.paging || !this.list.older || reached === undefined) return;
    this.paging = true;
    try {
      const page = await readMessages(this.broadcast, reached);
      this.list.prepend(page.items, hasMore(page.next_cursor) && page.items.length > 0);
    } catch (failure) {
      if (!(failure instanceof Problem)) throw failure;
    } finally {
      this.paging = false;
      this.draw();
    }
  }

  lookBack(): void {
    this.list.lookBack();
  }

  async follow(): Promise<void> {
    const whole = this.list.follow();
    this.draw();
    if (!whole) await this.read();
  }

  /** Sends; throws the `Problem` when the room refused. What did not get through stays as a failed line. */
  async send(text: string, client_id: string = crypto.randomUUID()): Promise<void> {
    const entry: Sending = { client_id, text, state: 'sending' };
    this.sending = [...this.sending.filter((other) => other.client_id !== client_id), entry];
    for (const wait_ms of [...RESEND_AFTER_MS, undefined]) {
      try {
        const message = await sendMessage(this.broadcast, text, client_id);
        this.take(message);
        return;
      } catch (failure) {
        const lost = failure instanceof Problem && failure.passing && failure.status !== 429;
        if (!lost) {
          this.discard(client_id);
          throw failure;
        }
        if (wait_ms === undefined || this.closed) break;
        await new Promise((resolve) => setTimeout(resolve, wait_ms));
      }
    }
    this.sending = this.sending.map((other) => (other.client_id === client_id ? { ...other, state: 'failed' } : other));
  }

  discard(client_id: string): void {
    this.sending = this.sending.filter((other) => other.client_id !== client_id);
  }

  async delete(message: ChatMessage): Promise<void> {
    await deleteMessage(this.broadcast, message.id);
  }

  async timeOut(message: ChatMessage, seconds: number): Promise<void> {
    await timeOut(this.broadcast, message.account.id, seconds);
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
  }

  private draw(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.closed) return;
    const arrived = this.arrivals;
    this.arrivals = [];
    this.fresh = this.list.receive(arrived);
    const confirmed = new Set(arrived.map((entry) => (entry.type === 'message' ? entry.client_id : undefined)));
    if (this.sending.some(({ client_id }) => confirmed.has(client_id))) {
      this.sending = this.sending.filter(({ client_id }) => !confirmed.has(client_id));
    }
    this.lines = this.list.lines;
    this.older = this.list.older;
    this.unseen = this.list.unseen;
  }
}

function hasMore(cursor: string | null | undefined): boolean {
  return cursor !== null && cursor !== undefined && cursor !== '';
}
