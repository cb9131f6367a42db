/**
 * The bodies of the HTTP API and of the realtime channels. They come from the server's OpenAPI document: `npm run types`
 * writes `generated.ts` from `openapi.json`, which `madang openapi` prints.
 */
import type { components } from './generated';

type Schemas = components['schemas'];

export type Account = Schemas['Account'];
export type PublicAccount = Schemas['Profile'];
export type SignedIn = Schemas['SignedInAnswer'];
export type Site = Schemas['Site'];
export type SiteSettings = Schemas['SiteSettings'];
export type SiteSetting = Schemas['SiteSetting'];
export type SiteSettingChange = Schemas['SiteSettingChange'];
export type SettingValue = Schemas['SettingValue'];

export type Broadcast = Schemas['BroadcastView'];
export type NewBroadcast = Schemas['OwnBroadcast'];
export type BroadcastState = Schemas['BroadcastState'];
export type StreamState = Schemas['StreamState'];
export type Viewers = Schemas['ViewerCounts'];
export type Channel = Schemas['OwnChannel'];
export type StreamKey = Schemas['StreamKey'];
export type Health = Schemas['Health'];
export type Report = Schemas['BroadcastReport'];
export type ChannelReport = Schemas['ChannelReport'];

export type Playback = Schemas['Playback'];
export type Beat = Schemas['Beat'];
export type HeartBatch = Schemas['Batch'];
export type Hearts = Schemas['HeartsOfBroadcast'];
export type HeartMoment = Schemas['TimelineStep'];
export type Fan = Schemas['Fan'];

export type ChatMessage = Schemas['Message'];
/** Stands in a deleted message's old place in the history. */
export type Tombstone = Schemas['Tombstone'];
/** The publication that deletes; it has an offset of its own. */
export type MessageDeleted = Schemas['Deletion'];
export type RoomEntry = Schemas['HistoryItem'];
export type Person = Schemas['Person'];
export type ReplyTo = Schemas['ReplyTo'];
export type Emote = Schemas['Emote'];
export type RoomState = Schemas['RoomState'];
export type RoomSettings = Schemas['RoomSettings'];
export type OwnStanding = Schemas['OwnStanding'];
/** A message that waits until a moderator has seen it. */
export type HeldMessage = Schemas['HeldMessage'];

export type Moderator = Schemas['Moderator'];
export type Member = Schemas['Member'];
export type Timeout = Schemas['Timeout'];
export type Ban = Schemas['Ban'];
export type AddressBan = Schemas['AddressBan'];
export type BlockedWord = Schemas['BlockedWord'];
export type Consequence = Schemas['Consequence'];
export type ReviewItem = Schemas['ReviewItem'];
export type ModLogEntry = Schemas['ModLogEntry'];
export type Act = Schemas['Act'];

/** Where an account is signed in, and its connections now. */
export type Session = Schemas['SessionView'];

export interface Page<Item> {
  items: Item[];
  next_cursor?: string | null;
}

/** What the channel `live:{broadcast}` says; the realtime connection is not part of the OpenAPI document. */
export interface LiveState {
  type: 'state';
  state: BroadcastState;
  stream: StreamState;
  viewers: Viewers;
  hearts: number;
  title: string;
}
