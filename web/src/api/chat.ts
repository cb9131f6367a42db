import { get, post, remove } from './client';
import type { ChatMessage, Page, RoomEntry } from './types';

/** The server's limit, in characters as a reader counts them (code points). */
export const MESSAGE_LIMIT = 500;

export const readMessages = (broadcast: string, before_offset?: number, limit = 50) =>
  get<Page<RoomEntry>>(room(broadcast), { before_offset, limit });
export const sendMessage = (broadcast: string, text: string, client_id: string) => post<ChatMessage>(room(broadcast), { text, client_id });
export const deleteMessage = (broadcast: string, message: string) => remove(`${room(broadcast)}/${message}`);
export const timeOut = (broadcast: string, account: string, seconds: number) =>
  post(`/broadcasts/${broadcast}/timeouts`, { account, seconds });

function room(broadcast: string): string {
  return `/broadcasts/${encodeURIComponent(broadcast)}/messages`;
}
