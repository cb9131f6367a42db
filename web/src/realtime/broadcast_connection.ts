/**
 * The realtime connection of one broadcast page: its room and its state, through the centrifuge client.
 *
 * The client recovers missed messages by offset and epoch on its own; when the server could not recover all of them,
 * `onRoomJoined(false)` says so and the room has to be read again.
 */
import { Centrifuge, type Subscription } from 'centrifuge';
import type { LiveState, RoomEntry } from '../api/types';

export interface BroadcastNews {
  onState: (state: LiveState) => void;
  onEntry: (entry: RoomEntry) => void;
  /** The room is joined; `whole` when nothing was missed since the last time. */
  onRoomJoined: (whole: boolean) => void;
  onConnected: (connected: boolean) => void;
  /** What everybody should read now; empty: nothing any more. */
  onNotice: (notice: string) => void;
}

const TRY_AGAIN_MS = 10_000;

export class BroadcastConnection {
  private readonly client: Centrifuge;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private closed = false;

  constructor(
    broadcast: string,
    room: string,
    private readonly news: BroadcastNews,
  ) {
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
    this.client = new Centrifuge(`${scheme}://${location.host}/connection/websocket`, { name: 'madang-web', maxReconnectDelay: 8000 });
    this.client.on('connected', ({ data }) => {
      news.onConnected(true);
      news.onNotice(noticeIn(data) ?? '');
    });
    this.client.on('message', ({ data }) => {
      const notice = noticeIn(data);
      if (notice !== undefined) news.onNotice(notice);
    });
    this.client.on('connecting', () => news.onConnected(false));
    this.client.on('disconnected', () => this.onDisconnected());
    this.join(this.client.newSubscription(room, { recoverable: true, positioned: true }));
    this.watch(this.client.newSubscription(`live:${broadcast}`));
    this.client.connect();
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.retry);
    this.client.disconnect();
    this.client.removeAllListeners();
  }

  private join(room: Subscription): void {
    room.on('publication', ({ data, offset }) => {
      const entry = data as RoomEntry;
      this.news.onEntry(offset === undefined ? entry : { ...entry, offset });
    });
    room.on('subscribed', ({ wasRecovering, recovered }) => this.news.onRoomJoined(wasRecovering && recovered));
    room.on('unsubscribed', () => this.joinAgain(room));
    room.subscribe();
  }

  private watch(live: Subscription): void {
    live.on('publication', ({ data }) => this.takeState(data));
    live.on('subscribed', ({ data }) => this.takeState(data));
    live.on('unsubscribed', () => this.joinAgain(live));
    live.subscribe();
  }

  private takeState(data: unknown): void {
    if (typeof data === 'object' && data !== null && (data as LiveState).type === 'state') this.news.onState(data as LiveState);
  }

  private joinAgain(subscription: Subscription): void {
    if (!this.closed) setTimeout(() => !this.closed && subscription.subscribe(), TRY_AGAIN_MS);
  }

  /** The server said a final goodbye (or the client gave up); a patient viewer still tries again. */
  private onDisconnected(): void {
    this.news.onConnected(false);
    if (!this.closed) this.retry = setTimeout(() => this.client.connect(), TRY_AGAIN_MS);
  }
}

function noticeIn(data: unknown): string | undefined {
  if (typeof data !== 'object' || data === null) return undefined;
  const { type, notice } = data as { type?: unknown; notice?: unknown };
  return type === 'notice' && typeof notice === 'string' ? notice : undefined;
}
