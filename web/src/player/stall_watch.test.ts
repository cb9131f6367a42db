import { expect, it } from 'vitest';
import { StallWatch } from './stall_watch';

it('is content while the picture moves', () => {
  const watch = new StallWatch();
  expect([0, 500, 1000, 1500, 2000].map((at) => watch.look(at, at / 1000, 10))).toEqual(['fine', 'fine', 'fine', 'fine', 'fine']);
});

it('only waits while nothing comes in, and jumps when it does', () => {
  const watch = new StallWatch();
  watch.look(0, 5, 5.2);
  expect(watch.look(2000, 5, 5.2)).toBe('wait');
  expect(watch.look(30_000, 5, 5.2)).toBe('wait');
  expect(watch.look(30_500, 5, 9)).toBe('wait');
  expect(watch.look(33_000, 5, 11)).toBe('jump');
});

it('loads anew when a jump did not help', () => {
  const watch = new StallWatch();
  watch.look(0, 5, 9);
  expect(watch.look(4000, 5, 9)).toBe('jump');
  expect(watch.look(4500, 9, 9.5)).toBe('fine');
  expect(watch.look(7000, 9, 12)).toBe('wait');
  expect(watch.look(10_000, 9, 15)).toBe('reload');
  expect(watch.look(10_500, 9, 15)).toBe('fine');
});
