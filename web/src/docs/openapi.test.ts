import { expect, it } from 'vitest';
import { groupsOf, limitWords, typeWords, type OpenApi } from './openapi';

it('says schemas in one line', () => {
  expect(typeWords({ type: 'array', items: { $ref: '#/components/schemas/Account' } })).toBe('Account[]');
  expect(typeWords({ enum: ['live', 'ended'] })).toBe('"live" | "ended"');
  expect(typeWords({ type: ['string', 'null'], format: 'date-time' })).toBe('string | null (date-time)');
  expect(typeWords({ oneOf: [{ type: 'null' }, { $ref: '#/x/Fan' }] })).toBe('null | Fan');
  expect(limitWords({ minLength: 3, maxLength: 24 })).toBe('3…24');
});

it('groups routes by their first tag and drops empty groups', () => {
  const document: OpenApi = {
    info: { title: 'x', version: '1' },
    tags: [{ name: 'live' }, { name: 'empty' }],
    paths: { '/a': { get: { tags: ['live'] }, post: {} } },
  };
  expect([...groupsOf(document, 'Other')].map(([name, routes]) => [name, routes.length])).toEqual([
    ['live', 1],
    ['Other', 1],
  ]);
});
