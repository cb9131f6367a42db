/** Stream keys that were made in this page's life. A key is shown once: a reload forgets it. */
import type { StreamKey } from '../api/types';

const keys = new Map<string, StreamKey>();

export function rememberKey(broadcast: string, { stream_key, ingest_url }: StreamKey): void {
  keys.set(broadcast, { stream_key, ingest_url });
}

export function freshKey(broadcast: string): StreamKey | undefined {
  return keys.get(broadcast);
}
