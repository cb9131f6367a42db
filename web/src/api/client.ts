/** Sends requests to `/api/v1`; the session cookie is the credential. Throws `Problem`. */
import { Problem } from './problem';

export type Query = Record<string, string | number | boolean | undefined>;

export function get<Answer>(path: string, query?: Query, signal?: AbortSignal): Promise<Answer> {
  return request<Answer>('GET', path + search(query), undefined, signal);
}

export function post<Answer = void>(path: string, body: unknown = {}): Promise<Answer> {
  return request<Answer>('POST', path, body);
}

export function patch<Answer>(path: string, body: unknown): Promise<Answer> {
  return request<Answer>('PATCH', path, body);
}

export function put<Answer = void>(path: string, body: unknown): Promise<Answer> {
  return request<Answer>('PUT', path, body);
}

export function remove(path: string): Promise<void> {
  return request<void>('DELETE', path);
}

/** Sends a last word that outlives the page. False when the browser's queue is full. */
export function beacon(path: string, body: unknown): boolean {
  return navigator.sendBeacon(`/api/v1${path}`, JSON.stringify(body));
}

async function request<Answer>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<Answer> {
  const response = await fetch(`/api/v1${path}`, {
    method,
    signal,
    credentials: 'same-origin',
    headers: body === undefined ? {} : { 'Content-Type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  }).catch((cause: unknown) => {
    if (signal?.aborted) throw cause;
    throw Problem.unreachable();
  });
  if (!response.ok) throw await Problem.from(response);
  if (response.status === 204) return undefined as Answer;
  return (await response.json()) as Answer;
}

function search(query: Query = {}): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== '');
  return given.length === 0 ? '' : `?${new URLSearchParams(given.map(([key, value]) => [key, String(value)]))}`;
}
