import { describe, expect, it } from 'vitest';
import { BeatBook, positionAt } from './beats';

describe('positionAt', () => {
  it('runs on while the picture moves and stands while it does not', () => {
    expect(positionAt({ position_ms: 1000, at_ms: 500, moving: true }, 3500)).toBe(4000);
    expect(positionAt({ position_ms: 1000, at_ms: 500, moving: false }, 3500)).toBe(1000);
  });

  it('never runs backwards and trusts a silent player for a minute only', () => {
    expect(positionAt({ position_ms: 1000, at_ms: 500, moving: true }, 100)).toBe(1000);
    expect(positionAt({ position_ms: 0, at_ms: 0, moving: true }, 600_000)).toBe(60_000);
  });
});

describe('BeatBook', () => {
  it('carries stalls once and gives them back when the beat is lost', () => {
    const book = new BeatBook('s');
    book.mark({ position_ms: 200, at_ms: 0, moving: false });
    book.stalled();
    book.stalled();
    book.measured(2_400_000.4);
    const first = book.next(0);
    expect(first).toEqual({ session: 's', position_ms: 200, stalls: 2, bitrate: 2_400_000 });
    expect(book.next(0).stalls).toBeUndefined();
    book.giveBack(first);
    expect(book.next(0).stalls).toBe(2);
  });
});
