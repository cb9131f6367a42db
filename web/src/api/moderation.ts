import { get, patch, post, put, remove } from './client';
import type {
  AddressBan,
  Ban,
  BlockedWord,
  ChatMessage,
  Consequence,
  Member,
  ModLogEntry,
  Moderator,
  Page,
  Person,
  ReviewItem,
  RoomSettings,
  Timeout,
} from './types';

type Cursor = string | undefined;

const LIMIT = 50;

export const pinMessage = (broadcast: string, message: string) => put(`/broadcasts/${broadcast}/pinned-message`, { message });
export const unpinMessage = (broadcast: string) => remove(`/broadcasts/${broadcast}/pinned-message`);

export const timeOut = (broadcast: string, account: string, seconds: number, reason?: string) =>
  post(`/broadcasts/${broadcast}/timeouts`, { account, seconds, reason });
export const listTimeouts = (broadcast: string, cursor: Cursor) => get<Page<Timeout>>(`/broadcasts/${broadcast}/timeouts`, { cursor, limit: LIMIT });
export const liftTimeout = (broadcast: string, account: string) => remove(`/broadcasts/${broadcast}/timeouts/${account}`);

export const readSettings = (handle: string) => get<RoomSettings>(channel(handle, 'chat-settings'));
export const changeSettings = (handle: string, change: Partial<RoomSettings>) => patch<RoomSettings>(channel(handle, 'chat-settings'), change);

export const listModerators = (handle: string) => get<Page<Moderator>>(channel(handle, 'moderators'));
export const appoint = (handle: string, moderator: string) => post<Person>(channel(handle, 'moderators'), { handle: moderator });
export const dismiss = (handle: string, account: string) => remove(channel(handle, `moderators/${account}`));

export const listMembers = (handle: string, cursor: Cursor) => get<Page<Member>>(channel(handle, 'members'), { cursor, limit: LIMIT });
export const approveMember = (handle: string, member: string) => post<Person>(channel(handle, 'members'), { handle: member });
export const removeMember = (handle: string, account: string) => remove(channel(handle, `members/${account}`));

export const listBans = (handle: string, cursor: Cursor) => get<Page<Ban>>(channel(handle, 'bans'), { cursor, limit: LIMIT });
export const ban = (handle: string, account: string, reason?: string) => post(channel(handle, 'bans'), { account, reason });
export const unban = (handle: string, account: string) => remove(channel(handle, `bans/${account}`));

export const listAddressBans = (handle: string, cursor: Cursor) =>
  get<Page<AddressBan>>(channel(handle, 'address-bans'), { cursor, limit: LIMIT });
export const banAddress = (handle: string, whose: { account?: string; range?: string }, reason?: string) =>
  post<AddressBan>(channel(handle, 'address-bans'), { ...whose, reason });
export const unbanAddress = (handle: string, id: string) => remove(channel(handle, `address-bans/${id}`));

/** Words that are blocked somewhere: in a channel's chat, or on the whole site. */
export interface BlockedWords {
  list: (cursor: Cursor) => Promise<Page<BlockedWord>>;
  block: (word: string, consequence: Consequence) => Promise<BlockedWord>;
  unblock: (id: string) => Promise<unknown>;
}

export const channelWords = (handle: string): BlockedWords => wordsAt(channel(handle, 'blocked-words'));
export const siteWords: BlockedWords = wordsAt('/blocked-words');

export const listHeld = (handle: string, cursor: Cursor) => get<Page<ReviewItem>>(channel(handle, 'held-messages'), { cursor, limit: LIMIT });
export const approveHeld = (handle: string, id: string) => post<ChatMessage>(channel(handle, `held-messages/${id}/approve`));
export const rejectHeld = (handle: string, id: string) => post(channel(handle, `held-messages/${id}/reject`));

export const listModLog = (handle: string, cursor: Cursor) => get<Page<ModLogEntry>>(channel(handle, 'mod-log'), { cursor, limit: LIMIT });

function wordsAt(path: string): BlockedWords {
  return {
    list: (cursor) => get<Page<BlockedWord>>(path, { cursor, limit: LIMIT }),
    block: (word, consequence) => post<BlockedWord>(path, { word, consequence }),
    unblock: (id) => remove(`${path}/${id}`),
  };
}

function channel(handle: string, what: string): string {
  return `/channels/${encodeURIComponent(handle)}/${what}`;
}
