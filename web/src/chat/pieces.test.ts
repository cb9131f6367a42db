import { describe, expect, it } from 'vitest';
import { piecesOf } from './pieces';

describe('piecesOf', () => {
  it('finds addresses and leaves the sentence its punctuation', () => {
    expect(piecesOf('see https://example.com/a?b=1, ok')).toEqual([
      { text: 'see ' },
      { text: 'https://example.com/a?b=1', href: 'https://example.com/a?b=1' },
      { text: ', ok' },
    ]);
  });

  it('keeps a bracket the address opened', () => {
    expect(piecesOf('(https://example.com/x_(y))')[1]?.text).toBe('https://example.com/x_(y)');
  });

  it('links neither scripts nor markup', () => {
    const hostile = 'javascript:alert(1) <img src=x onerror=alert(1)> data:text/html,x';
    expect(piecesOf(hostile)).toEqual([{ text: hostile }]);
  });

  it('knows mentions and emotes by what the server named', () => {
    const known = { mentions: new Set(['mina']), emotes: new Map([['fire', '🔥']]) };
    expect(piecesOf('@Mina @jun :fire: :ice:', known)).toEqual([
      { text: '@Mina', mention: 'mina' },
      { text: ' @jun ' },
      { text: '🔥', emote: 'fire' },
      { text: ' :ice:' },
    ]);
    expect(piecesOf('https://example.com/@mina/:fire:x', known)).toHaveLength(1);
  });
});
