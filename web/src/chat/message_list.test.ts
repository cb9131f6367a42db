import { describe, expect, it } from 'vitest';
import type { ChatMessage } from '../api/types';
import { LIMIT, MessageList } from './message_list';

const message = (offset: number): ChatMessage => ({
  type: 'message',
  id: `m${offset}`,
  text: `text ${offset}`,
  at: '2026-01-01T00:00:00.000Z',
  account: { id: '1', handle: 'mina', display_name: 'Mina', host: false },
  offset,
});
const messages = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => message(from + index));
const offsets = (list: MessageList) => list.lines.map(({ offset }) => offset);

describe('MessageList', () => {
  it('orders by offset and keeps each entry once, whatever way it came', () => {
    const list = new MessageList();
    list.receive([message(12), message(11)]);
    list.replace(messages(8, 11), true);
    const fresh = list.receive([message(11), message(13)]);
    expect(offsets(list)).toEqual([8, 9, 10, 11, 12, 13]);
    expect(fresh.map(({ offset }) => offset)).toEqual([13]);
  });

  it('leaves a tombstone in the old place', () => {
    const list = new MessageList();
    list.replace(messages(1, 3), false);
    list.receive([{ type: 'message_deleted', id: 'm2', message_offset: 2, offset: 4 }]);
    expect(list.lines[1]).toEqual({ type: 'deleted', id: 'm2', at: message(2).at, offset: 2 });
    expect(list.lines).toHaveLength(3);
  });

  it('pages on behind a page of deletions alone', () => {
    const list = new MessageList();
    list.replace([{ type: 'message_deleted', id: 'm1', message_offset: 1, offset: 60 }, message(61)], true);
    list.lookBack();
    list.prepend([{ type: 'message_deleted', id: 'm2', message_offset: 2, offset: 58 }, { type: 'message_deleted', id: 'm3', message_offset: 3, offset: 59 }], true);
    expect(offsets(list)).toEqual([61]);
    expect(list.reached).toBe(58);
  });

  it('stays within its limit while following', () => {
    const list = new MessageList();
    list.receive(messages(1, LIMIT + 40));
    expect(list.lines).toHaveLength(LIMIT);
    expect(list.lines[0]?.offset).toBe(41);
    expect(list.older).toBe(true);
  });

  it('stands still while the reader looks back, then catches up', () => {
    const list = new MessageList();
    list.replace(messages(1, 10), false);
    list.lookBack();
    list.receive(messages(11, 15));
    expect(offsets(list).at(-1)).toBe(10);
    expect(list.unseen).toBe(5);
    expect(list.follow()).toBe(true);
    expect(offsets(list).at(-1)).toBe(15);
    expect(list.unseen).toBe(0);
  });

  it('asks for the end anew after paging far back', () => {
    const list = new MessageList();
    list.replace(messages(LIMIT + 1, LIMIT * 2), true);
    list.lookBack();
    list.prepend(messages(LIMIT - 49, LIMIT), true);
    expect(list.lines).toHaveLength(LIMIT);
    expect(list.lines[0]?.offset).toBe(LIMIT - 49);
    list.receive([message(LIMIT * 2 + 1)]);
    expect(list.unseen).toBe(1);
    expect(list.follow()).toBe(false);
    list.replace(messages(LIMIT * 2 - 48, LIMIT * 2 + 1), true);
    expect(offsets(list).at(-1)).toBe(LIMIT * 2 + 1);
    expect(list.cut).toBe(false);
  });

  it('gives up holding more than its limit', () => {
    const list = new MessageList();
    list.replace(messages(1, 5), false);
    list.lookBack();
    list.receive(messages(6, 6 + LIMIT));
    expect(list.follow()).toBe(false);
  });
});
