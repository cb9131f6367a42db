import { expect, test } from 'vitest';
import { isNewToken, SignedAddress } from './signed_address';

const [FIRST, SECOND, THIRD] = ['A', 'b', '-'].map((letter) => letter.repeat(44));
const at = (token: string | undefined, file = 'index.m3u8') => `/live/7/${token}/${file}`;

test('the same picture under another token is known', () => {
  expect(isNewToken(at(SECOND), at(FIRST))).toBe(true);
  expect(isNewToken(`https://cdn.example${at(SECOND)}`, `https://cdn.example${at(FIRST)}`)).toBe(true);
  // A site that begins to sign.
  expect(isNewToken(at(SECOND), '/live/7/index.m3u8')).toBe(true);
});

test('another picture, another place and a wish to begin anew are not', () => {
  for (const [address, before] of [
    [at(FIRST), at(FIRST)],
    ['/live/7/index.m3u8', '/live/7/index.m3u8'],
    ['/live/7/index.m3u8', at(FIRST)],
    [`/live/8/${SECOND}/index.m3u8`, at(FIRST)],
    [`https://cdn.example${at(SECOND)}`, at(FIRST)],
    [`${at(SECOND)}?again=1`, at(FIRST)],
  ] as const) {
    expect(isNewToken(address, before), address).toBe(false);
  }
});

test('files named under a token that was left are asked for under the new one', () => {
  const page = 'https://site.example/watch/7';
  const address = new SignedAddress(at(FIRST), page);
  const file = (token: string | undefined) => `https://site.example${at(token, 'video/1.m4s?part=2')}`;
  expect(address.of(file(FIRST))).toBe(file(FIRST));
  address.moveTo(at(SECOND));
  expect(address.now).toBe(at(SECOND));
  expect(address.of(file(FIRST))).toBe(file(SECOND));
  expect(address.of(file(SECOND))).toBe(file(SECOND));
  address.moveTo(at(THIRD));
  expect(address.of(file(FIRST))).toBe(file(THIRD));
  expect(address.of(file(SECOND))).toBe(file(THIRD));
  expect(address.of('https://other.example/live/7/x')).toBe('https://other.example/live/7/x');
});

test('a site that begins to sign while it is watched is followed', () => {
  const address = new SignedAddress('/live/7/index.m3u8', 'https://site.example/watch/7');
  address.moveTo(at(FIRST));
  const file = `https://site.example${at(FIRST, 'video/1.m4s')}`;
  expect(address.of('https://site.example/live/7/video/1.m4s')).toBe(file);
  expect(address.of(file)).toBe(file);
  address.moveTo(at(SECOND));
  expect(address.of(file)).toBe(`https://site.example${at(SECOND, 'video/1.m4s')}`);
});
