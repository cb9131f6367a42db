import { describe, expect, it, vi } from 'vitest';
import { Problem } from '../api/problem';
import type { HeartBatch } from '../api/types';
import { BATCH_LIMIT, HeartBatches } from './heart_batches';

function collector(answers: (number | Problem)[]) {
  const sent: HeartBatch[] = [];
  const onTotal = vi.fn<(total: number) => void>();
  const onRefused = vi.fn<(problem: Problem) => void>();
  const send = async (batch: HeartBatch) => {
    sent.push(batch);
    const answer = answers.shift();
    if (answer === undefined) throw new Error('nobody expected this batch');
    if (answer instanceof Problem) throw answer;
    return { total: answer };
  };
  const hearts = new HeartBatches(send, { onTotal, onRefused });
  hearts.useSession('a');
  return { hearts, sent, onTotal, onRefused };
}

describe('HeartBatches', () => {
  it('sends nothing when nobody tapped', async () => {
    const { hearts, sent } = collector([]);
    await hearts.flush();
    expect(sent).toEqual([]);
  });

  it('numbers batches upwards', async () => {
    const { hearts, sent, onTotal } = collector([5, 6]);
    hearts.tap(1000.4);
    hearts.tap(1200);
    await hearts.flush();
    hearts.tap(4000);
    await hearts.flush();
    expect(sent).toEqual([
      { session: 'a', seq: 1, taps: [1000, 1200] },
      { session: 'a', seq: 2, taps: [4000] },
    ]);
    expect(onTotal.mock.calls).toEqual([[5], [6]]);
    expect(hearts.pending).toBe(0);
  });

  it('resends a lost batch under the same number and keeps later taps apart', async () => {
    const { hearts, sent } = collector([Problem.unreachable(), 1, 2]);
    hearts.tap(10);
    await hearts.flush();
    hearts.tap(20);
    expect(hearts.pending).toBe(2);
    await hearts.flush();
    await hearts.flush();
    expect(sent.map(({ seq, taps }) => [seq, taps])).toEqual([
      [1, [10]],
      [1, [10]],
      [2, [20]],
    ]);
  });

  it('takes "replayed" as counted, and a refusal as final', async () => {
    const replayed = new Problem(409, 'replayed_batch', '');
    const impossible = new Problem(422, 'impossible_position', '');
    const { hearts, onRefused } = collector([replayed, impossible]);
    hearts.tap(1);
    await hearts.flush();
    expect(onRefused).not.toHaveBeenCalled();
    hearts.tap(2);
    await hearts.flush();
    expect(onRefused).toHaveBeenCalledWith(impossible);
    expect(hearts.pending).toBe(0);
  });

  it('moves an unanswered batch into a new session, numbered anew', async () => {
    const { hearts, sent } = collector([new Problem(401, 'bad_session', ''), 7]);
    hearts.tap(1);
    await hearts.flush();
    hearts.useSession('b');
    await hearts.flush();
    expect(sent[1]).toEqual({ session: 'b', seq: 1, taps: [1] });
  });

  it('leaves with the unanswered batch first', async () => {
    const { hearts } = collector([Problem.unreachable()]);
    hearts.tap(1);
    await hearts.flush();
    hearts.tap(2);
    expect(hearts.takeLast().map(({ seq }) => seq)).toEqual([1, 2]);
  });

  it('sends what it left with no second time when the page comes back', async () => {
    const { hearts, sent } = collector([Problem.unreachable()]);
    hearts.tap(1);
    await hearts.flush();
    hearts.takeLast();
    hearts.useSession('b');
    await hearts.flush();
    expect(sent).toHaveLength(1);
    expect(hearts.pending).toBe(0);
  });

  it('drops taps beyond the limit of a batch', () => {
    const { hearts } = collector([]);
    const taken = Array.from({ length: BATCH_LIMIT + 5 }, (_, index) => hearts.tap(index)).filter(Boolean);
    expect(taken).toHaveLength(BATCH_LIMIT);
  });
});
