import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

describe('the worker', () => {
  const scope: { onmessage?: (event: { data: unknown }) => void; postMessage: () => void } = { postMessage: () => {} };
  const fetched = vi.fn(async () => new Response('{}'));

  beforeEach(async () => {
    vi.useFakeTimers();
    vi.stubGlobal('self', scope);
    vi.stubGlobal('fetch', fetched);
    await import('./beats.worker');
  });

  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it('keeps its own pace, whatever the page does, until it is told to rest', async () => {
    const tell = (data: unknown) => scope.onmessage?.({ data });
    tell({ kind: 'open', session: 's', every_ms: 5_000 });
    await vi.advanceTimersByTimeAsync(15_000);
    expect(fetched).toHaveBeenCalledTimes(3);
    tell({ kind: 'rest' });
    await vi.advanceTimersByTimeAsync(15_000);
    expect(fetched).toHaveBeenCalledTimes(3);
  });
});
