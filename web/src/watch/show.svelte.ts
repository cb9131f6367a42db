/** One broadcast as its page sees it: what the server says, kept fresh by the realtime connection. */
import { readBroadcast } from '../api/broadcasts';
import { Problem } from '../api/problem';
import type { Broadcast, LiveState } from '../api/types';
import { Room } from '../chat/room.svelte';
import { me } from '../people/session.svelte';
import { BroadcastConnection } from '../realtime/broadcast_connection';
import { hearNotice } from '../shell/site.svelte';

/** Without the realtime connection the page asks now and then. */
const ASK_EVERY_MS = 10_000;
const REPLAY_EVERY_MS = 4000;

export class Show {
  broadcast = $state.raw<Broadcast>();
  failure = $state.raw<unknown>();
  connected = $state(false);
  /** Hearts of the room; never goes down. */
  hearts = $state(0);
  readonly room: Room;
  /** Told how many hearts of others came in. */
  onHearts: (growth: number) => void = () => {};

  private connection: BroadcastConnection | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private closed = false;

  constructor(readonly id: string) {
    this.room = new Room(id, () => me()?.id);
  }

  async open(): Promise<void> {
    this.failure = undefined;
    await this.read();
    const { broadcast } = this;
    if (this.closed || !broadcast || this.connection) return;
    this.connection = new BroadcastConnection(this.id, broadcast.room, {
      onState: (state) => this.takeState(state),
      onEntry: (entry) => this.room.take(entry),
      onRoomJoined: (whole) => void (whole || this.room.read()),
      onConnected: (connected) => (this.connected = connected),
      onNotice: hearNotice,
    });
    void this.room.read();
    this.askAgain();
  }

  async read(): Promise<void> {
    try {
      this.take(await readBroadcast(this.id));
      this.failure = undefined;
    } catch (failure) {
      if (!(failure instanceof Problem)) throw failure;
      if (!this.broadcast || failure.status === 404) this.failure = failure;
    }
  }

  take(broadcast: Broadcast): void {
    this.broadcast = broadcast;
    this.takeHearts(broadcast.hearts);
  }

  takeHearts(total: number): void {
    if (total <= this.hearts) return;
    const growth = this.hearts === 0 ? 0 : total - this.hearts;
    this.hearts = total;
    if (growth > 0) this.onHearts(growth);
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
    this.connection?.close();
    this.room.close();
  }

  private takeState({ state, stream, viewers, hearts, title }: LiveState): void {
    const before = this.broadcast;
    if (!before) return;
    this.broadcast = { ...before, state, stream, viewers, title };
    this.takeHearts(hearts);
    // Start, end and replay have facts that only the full answer carries.
    if (before.state !== state) void this.read();
  }

  private askAgain(): void {
    const { broadcast } = this;
    const replayComing = broadcast?.state === 'ended' && !broadcast.replay;
    this.timer = setTimeout(
      async () => {
        if (!this.connected || replayComing) await this.read();
        if (!this.closed) this.askAgain();
      },
      replayComing ? REPLAY_EVERY_MS : ASK_EVERY_MS,
    );
  }
}
