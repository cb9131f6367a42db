import { get, patch, post, remove } from './client';
import type { Broadcast, BroadcastState, Channel, ChannelReport, Health, Hearts, NewBroadcast, Page, Report, StreamKey } from './types';

export interface BroadcastFilter {
  state?: BroadcastState;
  /** A handle. */
  channel?: string;
  cursor?: string;
  limit?: number;
}

export const listBroadcasts = (filter: BroadcastFilter = {}) => get<Page<Broadcast>>('/broadcasts', { ...filter });
export const readBroadcast = (id: string) => get<Broadcast>(at(id));
export const createBroadcast = (body: { title: string; auto_start: boolean; scheduled_at?: string }) => post<NewBroadcast>('/broadcasts', body);
export const updateBroadcast = (id: string, body: { title?: string; auto_start?: boolean }) => patch<Broadcast>(at(id), body);
export const deleteBroadcast = (id: string) => remove(at(id));
export const startBroadcast = (id: string) => post<Broadcast>(at(id, 'start'));
export const pauseBroadcast = (id: string) => post<Broadcast>(at(id, 'pause'));
export const resumeBroadcast = (id: string) => post<Broadcast>(at(id, 'resume'));
export const endBroadcast = (id: string) => post<Broadcast>(at(id, 'end'));
export const rotateBroadcastKey = (id: string) => post<StreamKey>(at(id, 'stream_key'));
export const readHealth = (id: string) => get<Health>(at(id, 'health'));
export const readReport = (id: string) => get<Report>(at(id, 'report'));
export const readHearts = (id: string) => get<Hearts>(at(id, 'hearts'));

export const readMyChannel = () => get<Channel>('/me/channel');
export const updateMyChannel = (body: { default_title: string }) => patch<Channel>('/me/channel', body);
export const rotateChannelKey = () => post<StreamKey>('/me/channel/stream_key');
export const readChannelReport = (query: { resolution: 'hour' | 'day'; from?: string; to?: string }) => get<ChannelReport>('/me/channel/report', query);

function at(id: string, action?: string): string {
  const base = `/broadcasts/${encodeURIComponent(id)}`;
  return action === undefined ? base : `${base}/${action}`;
}
