/** The part of OpenAPI 3.1 that the reader shows, and plain words for its schemas. */

export interface Schema {
  $ref?: string;
  type?: string | string[];
  format?: string;
  description?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  enum?: unknown[];
  const?: unknown;
  oneOf?: Schema[];
  anyOf?: Schema[];
  allOf?: Schema[];
  additionalProperties?: Schema | boolean;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
}

export interface Parameter {
  name: string;
  in: string;
  required?: boolean;
  description?: string;
  schema?: Schema;
}

type Content = Record<string, { schema?: Schema }>;

export interface Operation {
  tags?: string[];
  summary?: string;
  description?: string;
  operationId?: string;
  parameters?: Parameter[];
  requestBody?: { description?: string; content: Content };
  responses?: Record<string, { description?: string; content?: Content }>;
}

export interface OpenApi {
  info: { title: string; version: string; description?: string };
  tags?: { name: string; description?: string }[];
  paths: Record<string, Record<string, Operation>>;
  components?: { schemas?: Record<string, Schema> };
}

export interface Route {
  method: string;
  path: string;
  operation: Operation;
}

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];

/** The routes by their first tag, in the document's order. */
export function groupsOf(document: OpenApi, others: string): Map<string, Route[]> {
  const groups = new Map<string, Route[]>((document.tags ?? []).map(({ name }) => [name, []]));
  for (const [path, item] of Object.entries(document.paths)) {
    for (const method of METHODS) {
      const operation = item[method];
      if (!operation) continue;
      const group = operation.tags?.[0] ?? others;
      groups.set(group, [...(groups.get(group) ?? []), { method, path, operation }]);
    }
  }
  for (const [name, routes] of groups) if (routes.length === 0) groups.delete(name);
  return groups;
}

/** A schema in one line: `string`, `Account[]`, `"live" | "ended"`. */
export function typeWords(schema: Schema | undefined): string {
  if (!schema) return '';
  if (schema.$ref) return schema.$ref.split('/').at(-1) ?? '';
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  const options = schema.oneOf ?? schema.anyOf;
  if (options) return options.map(typeWords).join(' | ');
  if (schema.allOf) return schema.allOf.map(typeWords).join(' & ');
  const types = Array.isArray(schema.type) ? schema.type : [schema.type ?? 'object'];
  const words = types.map((type) => (type === 'array' ? `${typeWords(schema.items)}[]` : type));
  return words.join(' | ') + (schema.format ? ` (${schema.format})` : '');
}

/** Limits of a value, in short. */
export function limitWords({ minimum, maximum, minLength, maxLength }: Schema): string {
  const range = (from?: number, to?: number) => (from === undefined && to === undefined ? '' : `${from ?? ''}…${to ?? ''}`);
  return range(minimum, maximum) || range(minLength, maxLength);
}

/** Splits a description at its backticks; every second piece is code. */
export function codePieces(text: string): { text: string; code: boolean }[] {
  return text.split('`').map((piece, index) => ({ text: piece, code: index % 2 === 1 }));
}
