import { get, post, remove } from './client';
import type { ChatMessage, HeldMessage, Page, RoomEntry, RoomState } from './types';

/** The server's limit, in characters as a reader counts them (code points). */
export const MESSAGE_LIMIT = 500;

export interface NewMessage {
  text: string;
  client_id: string;
  reply_to?: string;
}

export const readRoom = (broadcast: string) => get<RoomState>(`/broadcasts/${encodeURIComponent(broadcast)}/room`);
export const readMessages = (broadcast: string, before_offset?: number, limit = 50) =>
  get<Page<RoomEntry>>(room(broadcast), { before_offset, limit });
/** The answer is the message, or that it waits for review. */
export const sendMessage = (broadcast: string, message: NewMessage) => post<ChatMessage | HeldMessage>(room(broadcast), message);
export const deleteMessage = (broadcast: string, message: string) => remove(`${room(broadcast)}/${message}`);

function room(broadcast: string): string {
  return `/broadcasts/${encodeURIComponent(broadcast)}/messages`;
}
