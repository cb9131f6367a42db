import { beacon, post } from './client';
import type { Beat, HeartBatch, Playback } from './types';

export const openPlayback = (broadcast: string) => post<Playback>('/playbacks', { broadcast });
export const sendHearts = (batch: HeartBatch) => post<{ total: number }>('/hearts', batch);
export const leaveHearts = (batch: HeartBatch) => beacon('/hearts', batch);
export const leaveBeat = (beat: Beat) => beacon('/beats', { ...beat, leaving: true });
