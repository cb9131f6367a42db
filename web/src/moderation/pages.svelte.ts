/** A paged list of the server: its first page, what follows, and what went wrong. */
import type { Page } from '../api/types';

export class Pages<Item> {
  items = $state.raw<Item[]>();
  failure = $state.raw<unknown>();
  cursor = $state<string>();

  constructor(private readonly read: (cursor: string | undefined) => Promise<Page<Item>>) {}

  /** Reads the first page anew. */
  async load(): Promise<void> {
    await this.page(undefined, []);
  }

  /** Reads the next page. */
  async more(): Promise<void> {
    await this.page(this.cursor, this.items ?? []);
  }

  /** Takes entries out that are no more, without asking. */
  drop(gone: (item: Item) => boolean): void {
    this.items = this.items?.filter((item) => !gone(item));
  }

  private async page(cursor: string | undefined, before: Item[]): Promise<void> {
    try {
      const { items, next_cursor } = await this.read(cursor);
      this.items = [...before, ...items];
      this.cursor = next_cursor ?? undefined;
      this.failure = undefined;
    } catch (failure) {
      this.failure = failure;
    }
  }
}
