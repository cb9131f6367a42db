/** A chat room as one reader sees it: its lines, its state, what they are sending, and whether all of it is there. */
import { deleteMessage, readMessages, readRoom, sendMessage } from '../api/chat';
import { Problem } from '../api/problem';
import type { ChatMessage, Emote, HeldMessage, OwnStanding, Person, ReplyTo, RoomEntry, RoomSettings } from '../api/types';
import { type Line, MessageList } from './message_list';

/** Arrivals are drawn together at this pace, so that a busy room stays smooth. */
const DRAW_EVERY_MS = 120;
const RESEND_AFTER_MS = [800, 2500];
/** How often to ask what became of a message that waits for review. */
const ASK_ABOUT_HELD_MS = 8000;
/** People offered for a mention. */
const PEOPLE_LIMIT = 200;

export interface Sending {
  client_id: string;
  text: string;
  reply_to?: string;
  /** `held` waits for a moderator; `dropped` waited and was not published. */
  state: 'sending' | 'failed' | 'held' | 'dropped';
}

export type RoomPhase = 'loading' | 'open' | 'failed';

export class Room {
  lines = $state.raw<Line[]>([]);
  sending = $state.raw<Sending[]>([]);
  older = $state(false);
  unseen = $state(0);
  state = $state<RoomPhase>('loading');
  paging = $state(false);
  /** The newest messages of the last drawing, for those who listen to the page. */
  fresh = $state.raw<ChatMessage[]>([]);

  settings = $state.raw<RoomSettings>();
  emotes = $state.raw<Emote[]>([]);
  pinned = $state.raw<ChatMessage>();
  you = $state.raw<OwnStanding>();
  /** The message that is being answered. */
  replyTo = $state.raw<ChatMessage>();
  /** Messages that mention or answer the reader and came while they looked back. */
  mentions = $state.raw<ChatMessage[]>([]);
  readonly moderating = $derived(this.you !== undefined && this.you.role !== 'viewer');
  readonly emoji = $derived(new Map(this.emotes.map(({ code, emoji }) => [code, emoji])));
  /** Messages that others answer and that are not among the lines, by offset. */
  private quotes = $state.raw<ReadonlyMap<number, RoomEntry>>(new Map());

  private readonly list = new MessageList();
  private readonly wanted = new Set<number>();
  private arrivals: RoomEntry[] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;
  private heldTimer: ReturnType<typeof setTimeout> | undefined;
  private following = true;
  private closed = false;

  constructor(
    readonly broadcast: string,
    private readonly reader: () => string | undefined = () => undefined,
  ) {}

  /** Reads the newest page and the room's state: at the start, and when messages were missed. */
  async read(): Promise<void> {
    void this.readState();
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

  /** Reads the modes, the pinned message, and what the reader may do. */
  async readState(): Promise<void> {
    try {
      const { settings, emotes, pinned, you, held } = await readRoom(this.broadcast);
      this.settings = settings;
      this.emotes = emotes;
      this.pinned = pinned?.message;
      this.you = you ?? undefined;
      this.takeHeld(held);
    } catch (failure) {
      if (!(failure instanceof Problem)) throw failure;
    }
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
    this.following = false;
    this.list.lookBack();
  }

  async follow(): Promise<void> {
    this.following = true;
    this.mentions = [];
    const whole = this.list.follow();
    this.draw();
    if (!whole) await this.read();
  }

  /** Sends; throws the `Problem` when the room refused. What did not get through stays as a failed line. */
  async send(text: string, client_id: string = crypto.randomUUID(), reply_to = this.replyTo?.id): Promise<void> {
    const entry: Sending = { client_id, text, reply_to, state: 'sending' };
    this.replyTo = undefined;
    this.sending = [...this.sending.filter((other) => other.client_id !== client_id), entry];
    for (const wait_ms of [...RESEND_AFTER_MS, undefined]) {
      try {
        const answer = await sendMessage(this.broadcast, { text, client_id, reply_to });
        if (answer.type === 'held') this.hold(answer);
        else this.take(answer);
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
    this.mark(client_id, 'failed');
  }

  discard(client_id: string): void {
    this.sending = this.sending.filter((other) => other.client_id !== client_id);
  }

  async delete(message: ChatMessage): Promise<void> {
    await deleteMessage(this.broadcast, message.id);
  }

  /** The message that another one answers, as far as it is known; asks for it otherwise. */
  quoteOf({ offset }: ReplyTo): RoomEntry | undefined {
    return this.lines.find((line) => line.offset === offset) ?? this.quotes.get(offset);
  }

  async wantQuote({ offset }: ReplyTo): Promise<void> {
    if (this.wanted.has(offset) || this.lines.some((line) => line.offset === offset)) return;
    this.wanted.add(offset);
    const entry = await this.entryAt(offset).catch(() => undefined);
    if (entry) this.quotes = new Map(this.quotes).set(offset, entry);
    else this.wanted.delete(offset);
  }

  /** Those who wrote lately, the latest first, without the reader. */
  people(): Person[] {
    const known = new Map<string, Person>();
    for (const line of this.lines.toReversed()) {
      if (line.type !== 'message' || line.account.id === this.reader()) continue;
      if (!known.has(line.account.id)) known.set(line.account.id, line.account);
      if (known.size === PEOPLE_LIMIT) break;
    }
    return [...known.values()];
  }

  /** Whether a message speaks to the reader: mentions them, or answers them. */
  speaksToReader({ account, mentions, reply_to }: ChatMessage): boolean {
    const reader = this.reader();
    if (reader === undefined || account.id === reader) return false;
    return reply_to?.account.id === reader || (mentions?.some(({ id }) => id === reader) ?? false);
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
    clearTimeout(this.heldTimer);
  }

  private draw(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.closed) return;
    const arrived = this.arrivals;
    this.arrivals = [];
    for (const entry of arrived) this.notice(entry);
    this.fresh = this.list.receive(arrived);
    if (!this.following) this.mentions = [...this.mentions, ...this.fresh.filter((message) => this.speaksToReader(message))];
    const confirmed = new Set(arrived.map((entry) => (entry.type === 'message' ? entry.client_id : undefined)));
    if (this.sending.some(({ client_id }) => confirmed.has(client_id))) {
      this.sending = this.sending.filter(({ client_id }) => !confirmed.has(client_id));
    }
    this.lines = this.list.lines;
    this.older = this.list.older;
    this.unseen = this.list.unseen;
  }

  /** What the room says of itself. */
  private notice(entry: RoomEntry): void {
    if (entry.type === 'room_changed') this.settings = entry.settings;
    else if (entry.type === 'message_unpinned') this.pinned = undefined;
    else if (entry.type === 'message_pinned') void this.pin(entry.id, entry.message_offset);
    else if (entry.type === 'message_deleted') {
      if (this.pinned?.id === entry.id) this.pinned = undefined;
      if (this.replyTo?.id === entry.id) this.replyTo = undefined;
      this.mentions = this.mentions.filter(({ id }) => id !== entry.id);
      if (this.quotes.has(entry.message_offset)) this.quotes = new Map(this.quotes).set(entry.message_offset, entry);
    }
  }

  private async pin(id: string, offset: number): Promise<void> {
    const entry = this.lines.find((line) => line.id === id) ?? (await this.entryAt(offset).catch(() => undefined));
    if (entry?.type === 'message') this.pinned = entry;
  }

  private async entryAt(offset: number): Promise<RoomEntry | undefined> {
    const page = await readMessages(this.broadcast, offset + 1, 1);
    return page.items[0];
  }

  private hold({ client_id, id }: HeldMessage): void {
    this.mark(client_id ?? id, 'held');
    this.askAboutHeld();
  }

  /** What the server says is waiting; what was waiting and is not, was decided on. */
  private takeHeld(held: HeldMessage[]): void {
    const waiting = new Set(held.map(({ client_id, id }) => client_id ?? id));
    const known = new Set(this.sending.map(({ client_id }) => client_id));
    const dropped = this.sending.map((entry) =>
      entry.state === 'held' && !waiting.has(entry.client_id) ? { ...entry, state: 'dropped' as const } : entry,
    );
    const added = held
      .map(({ client_id, id, text }) => ({ client_id: client_id ?? id, text, state: 'held' as const }))
      .filter(({ client_id }) => !known.has(client_id));
    this.sending = [...dropped, ...added];
    if (held.length > 0) this.askAboutHeld();
  }

  private askAboutHeld(): void {
    clearTimeout(this.heldTimer);
    if (!this.closed) this.heldTimer = setTimeout(() => void this.readState(), ASK_ABOUT_HELD_MS);
  }

  private mark(client_id: string, state: Sending['state']): void {
    this.sending = this.sending.map((other) => (other.client_id === client_id ? { ...other, state } : other));
  }
}

function hasMore(cursor: string | null | undefined): boolean {
  return cursor !== null && cursor !== undefined && cursor !== '';
}
