/**
 * Addresses of a show that run out: the same files, under another token. It stands in the path right before the file
 * (`/live/SHOW/TOKEN/index.m3u8`), so what a playlist names stays behind the token under which the playlist came.
 */
const TOKEN = /\/[\w-]{44}(?=\/[^/]*$)/;

/** Whether an address leads to the same picture as another one, with another token. */
export function isNewToken(address: string, before: string): boolean {
  return address !== before && TOKEN.test(address) && address.replace(TOKEN, '') === before.replace(TOKEN, '');
}

/** An address that may change while its picture plays. */
export class SignedAddress {
  private readonly left: string[] = [];

  /** `page` is where the address is relative to. */
  constructor(
    private address: string,
    private readonly page: string,
  ) {}

  get now(): string {
    return this.address;
  }

  moveTo(address: string): void {
    this.left.push(folder(this.address, this.page));
    this.address = address;
  }

  /** Where a file of the picture is by now. */
  of(file: string): string {
    const here = folder(this.address, this.page);
    // The newest first: an address without a token is the beginning of those that have one.
    if (file.startsWith(here)) return file;
    const left = this.left.findLast((before) => file.startsWith(before));
    return left === undefined ? file : here + file.slice(left.length);
  }
}

function folder(address: string, page: string): string {
  return new URL('.', new URL(address, page)).href;
}
