/**
 * The part of a room's log that is on the screen: ordered by offset, each entry once, at most `LIMIT` of them.
 *
 * While the reader follows, the oldest entries fall away. While the reader looks back, new messages are held, and
 * paging back drops the newest instead; then the end of the log has to be fetched again to follow (`cut`).
 */
import type { ChatMessage, RoomEntry, Tombstone } from '../api/types';

export type Line = ChatMessage | Tombstone;

export const LIMIT = 300;

export class MessageList {
  lines: Line[] = [];
  /** Whether the log goes on before the first line. */
  older = true;
  /** Whether newer lines exist that are not kept here. */
  cut = false;
  /** Messages that came while the reader looked back. */
  unseen = 0;
  private first: number | undefined;
  private following = true;
  private held: Line[] = [];

  /** Takes what came over the realtime connection, in any order and any number of times. Returns the new messages. */
  receive(entries: RoomEntry[]): ChatMessage[] {
    const fresh: ChatMessage[] = [];
    for (const entry of entries) {
      if (entry.type === 'message_deleted') this.erase(entry.id);
      else if (isLine(entry) && this.add(entry) && entry.type === 'message') fresh.push(entry);
    }
    if (this.following) this.dropOldest();
    return fresh;
  }

  /** Where the next older page ends. */
  get reached(): number | undefined {
    return this.first;
  }

  /** Puts an older page before the first line. */
  prepend(page: RoomEntry[], more: boolean): void {
    const first = this.lines[0]?.offset ?? Infinity;
    this.lines = [...page.filter(isLine).filter(({ offset }) => offset < first), ...this.lines];
    this.older = more;
    this.first = page[0]?.offset ?? this.first;
    if (this.lines.length <= LIMIT) return;
    if (this.following) {
      this.dropOldest();
      return;
    }
    this.lines.length = LIMIT;
    this.held = [];
    this.cut = true;
  }

  /** Starts over from the newest page; later messages that came meanwhile are kept. */
  replace(page: RoomEntry[], more: boolean): void {
    const last = page.at(-1)?.offset ?? 0;
    const later = [...this.lines, ...this.held].filter(({ offset }) => offset > last);
    this.lines = [...page.filter(isLine), ...later];
    this.older = more;
    this.first = page[0]?.offset;
    this.cut = false;
    this.held = [];
    this.unseen = 0;
    this.dropOldest();
  }

  /** The reader looks back: the lines stand still. */
  lookBack(): void {
    this.following = false;
  }

  /** The reader is at the end again. False when the end is not here and has to be fetched (`replace`). */
  follow(): boolean {
    this.following = true;
    this.unseen = 0;
    if (this.cut) return false;
    for (const line of this.held) this.insert(line);
    this.held = [];
    this.dropOldest();
    return true;
  }

  private add(line: Line): boolean {
    if (this.following) return this.insert(line);
    const last = this.lines.at(-1)?.offset ?? 0;
    if (line.offset <= last) return this.cut ? false : this.insert(line);
    if (this.held.some(({ offset }) => offset === line.offset)) return false;
    if (line.type === 'message') this.unseen += 1;
    if (this.cut) return true;
    this.held.push(line);
    // Too many to keep: the end is fetched again when the reader comes back.
    if (this.held.length > LIMIT) {
      this.held = [];
      this.cut = true;
    }
    return true;
  }

  private insert(line: Line): boolean {
    const after = this.lines.findLastIndex(({ offset }) => offset <= line.offset);
    if (this.lines[after]?.offset === line.offset) return false;
    this.lines = this.lines.toSpliced(after + 1, 0, line);
    return true;
  }

  private erase(id: string): void {
    const bury = (line: Line): Line => (line.id === id ? { type: 'deleted', id, at: line.at, offset: line.offset } : line);
    this.lines = this.lines.map(bury);
    this.held = this.held.map(bury);
  }

  private dropOldest(): void {
    if (this.lines.length <= LIMIT) return;
    this.lines = this.lines.slice(-LIMIT);
    this.older = true;
    this.first = this.lines[0]?.offset;
  }
}

/** Deletions, pins and changes of the room have a place in the log, but nothing to show there. */
function isLine(entry: RoomEntry): entry is Line {
  return entry.type === 'message' || entry.type === 'deleted';
}
