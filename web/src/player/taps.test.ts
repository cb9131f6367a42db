import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { TapReader } from './taps';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('tells one tap from two, and counts a streak', () => {
  const single = vi.fn();
  const double = vi.fn();
  const taps = new TapReader({ single, double });
  taps.tap(1, 1, true, 1000);
  vi.advanceTimersByTime(300);
  expect(single).toHaveBeenCalledTimes(1);

  taps.tap(1, 1, true, 2000);
  taps.tap(2, 2, true, 2150);
  taps.tap(3, 3, true, 2600);
  vi.advanceTimersByTime(1000);
  expect(single).toHaveBeenCalledTimes(1);
  expect(double.mock.calls).toEqual([
    [2, 2],
    [3, 3],
  ]);
});
