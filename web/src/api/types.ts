/** The bodies of the HTTP API and of the realtime channels, named as the server names them. */

export interface Account {
  id: string;
  handle: string;
  display_name: string;
  bio: string;
  admin: boolean;
  created_at: string;
}

export type PublicAccount = Omit<Account, 'admin'>;
export type AccountName = Pick<Account, 'id' | 'handle' | 'display_name'>;

export interface SignedIn {
  account: Account;
  token: string;
}

export interface Page<Item> {
  items: Item[];
  next_cursor?: string | null;
}

export type BroadcastState = 'created' | 'ready' | 'live' | 'paused' | 'ended';
export type StreamState = 'absent' | 'arriving' | 'interrupted';

export interface Viewers {
  concurrent: number;
  unique: number;
  peak: number;
}

export interface Broadcast {
  id: string;
  channel: AccountName;
  title: string;
  state: BroadcastState;
  stream: StreamState;
  auto_start: boolean;
  scheduled_at?: string | null;
  created_at: string;
  started_at?: string | null;
  ended_at?: string | null;
  /** The time of position 0 on the broadcast's own timeline. */
  timeline_start?: string | null;
  playback_url: string;
  thumbnail_url: string;
  replay: boolean;
  room: string;
  viewers: Viewers;
  hearts: number;
}

export interface StreamKey {
  stream_key: string;
  ingest_url: string;
}

export type NewBroadcast = Broadcast & StreamKey;

export interface Channel extends AccountName {
  default_title: string;
  has_stream_key: boolean;
  ingest_url: string;
}

export interface VideoHealth {
  codec: string;
  width: number;
  height: number;
  fps?: number | null;
  bitrate_bps?: number | null;
  keyframe_interval_ms?: number | null;
}

export interface AudioHealth {
  codec: string;
  sample_rate: number;
  channels: number;
  bitrate_bps?: number | null;
}

export interface Health {
  connected: boolean;
  publish_epoch: number;
  since?: string | null;
  video?: VideoHealth | null;
  audio?: AudioHealth | null;
  warnings: { code: string; detail: string }[];
  players: { sessions: number; stalls_per_minute: number; bitrate_bps?: number | null };
}

export interface Fan {
  account: AccountName | null;
  hearts: number;
}

export interface ReportPoint {
  at: string;
  concurrent: number;
  watch_time_ms: number;
  hearts: number;
}

export interface Report {
  viewers: { unique: number; peak: number; watch_time_ms: number };
  hearts: number;
  messages?: number | null;
  series: ReportPoint[];
  top_fans: Fan[];
}

export interface ChannelReport {
  series: { at: string; concurrent_peak: number; watch_time_ms: number; hearts: number }[];
}

export interface Playback {
  session: string;
  beat_every_ms: number;
}

export interface Beat {
  session: string;
  position_ms: number;
  leaving?: boolean;
  stalls?: number;
  bitrate?: number;
}

export interface HeartBatch {
  session: string;
  seq: number;
  taps: number[];
}

export interface HeartMoment {
  position_ms: number;
  hearts: number;
}

export interface Hearts {
  total: number;
  timeline: HeartMoment[];
  ranking: Fan[];
}

export interface Author extends AccountName {
  host: boolean;
}

export interface ChatMessage {
  type: 'message';
  id: string;
  text: string;
  client_id?: string | null;
  at: string;
  account: Author;
  offset: number;
}

/** Stands in a deleted message's old place in the history. */
export interface Tombstone {
  type: 'deleted';
  id: string;
  at: string;
  offset: number;
}

/** The publication that deletes; it has an offset of its own. */
export interface MessageDeleted {
  type: 'message_deleted';
  /** The id of the deleted message. */
  id: string;
  offset: number;
}

export type RoomEntry = ChatMessage | Tombstone | MessageDeleted;

export interface LiveState {
  type: 'state';
  state: BroadcastState;
  stream: StreamState;
  viewers: Viewers;
  hearts: number;
  title: string;
}

export interface Site {
  name: string;
  locale_default: string;
  registration_open: boolean;
  version: string;
}
