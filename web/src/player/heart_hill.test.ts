import { expect, it } from 'vitest';
import { hillPath } from './heart_hill';

const share = (position_ms: number) => Math.min(1, position_ms / 100_000);

it('rises where hearts were and comes down between', () => {
  const path = hillPath(
    [
      { position_ms: 10_000, hearts: 4 },
      { position_ms: 15_000, hearts: 1 },
      { position_ms: 50_000, hearts: 4 },
    ],
    share,
  );
  expect(path).toBe('M7.50 1.000L12.50 0.000L17.50 0.500L22.50 1.000L47.50 1.000L52.50 0.000L57.50 1.000z');
});

it('draws nothing without hearts or without a timeline', () => {
  expect(hillPath([], share)).toBe('');
  expect(hillPath([{ position_ms: 0, hearts: 3 }], () => undefined)).toBe('');
});
