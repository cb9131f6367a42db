import { describe, expect, it } from 'vitest';
import { completionOf } from './completion';

const people = [
  { id: '1', handle: 'mina', display_name: '미나' },
  { id: '2', handle: 'jun', display_name: 'Mister Jun' },
];
const emotes = [
  { code: 'fire', emoji: '🔥' },
  { code: 'lantern', emoji: '🏮' },
];
const texts = (before: string) => completionOf(before, people, emotes)?.suggestions.map(({ text }) => text);

describe('completionOf', () => {
  it('offers people by handle and by name, and emotes by code', () => {
    expect(texts('hi @')).toEqual(['@mina', '@jun']);
    expect(texts('@mi')).toEqual(['@mina', '@jun']);
    expect(texts('@미')).toEqual(['@mina']);
    expect(texts('wow :fi')).toEqual([':fire:']);
  });

  it('says where the word begins', () => {
    expect(completionOf('hi @mi', people, emotes)?.from).toBe(3);
    expect(completionOf('🔥:fi', people, emotes)?.from).toBe(2);
  });

  it('offers nothing within words, after whole codes, or for nobody', () => {
    for (const before of ['', 'a@mi', '@zzz', ':', '12:30', ':fire:', 'hello']) expect(texts(before), before).toBeUndefined();
  });
});
