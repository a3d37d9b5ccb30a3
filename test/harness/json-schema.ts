// As much of JSON Schema as our generated schemas use, so that a test can ask whether an editor would accept a file.
// A keyword that it does not know is an error, not a silent yes.
import assert from 'node:assert/strict';

type Schema = boolean | Readonly<Record<string, unknown>>;

/** Keywords that describe and decide nothing. */
const notes = new Set(['$schema', 'title', 'description', 'default', 'examples']);

/** True where the schema accepts the value. */
export function accepts(schema: Schema, value: unknown): boolean {
  if (typeof schema === 'boolean') return schema;
  return Object.entries(schema).every(([keyword, argument]) => {
    if (notes.has(keyword)) return true;
    const check = checks[keyword];
    assert.ok(check !== undefined, `unknown keyword ${keyword}`);
    return check(argument as never, value, schema);
  });
}

type Check = (argument: never, value: unknown, schema: Readonly<Record<string, unknown>>) => boolean;

const typeOf = (value: unknown): string =>
  value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value === 'object' ? 'object' : typeof value;
const isMap = (value: unknown): value is Record<string, unknown> => typeOf(value) === 'object';
const some = (schemas: readonly Schema[], value: unknown): number =>
  schemas.filter((schema) => accepts(schema, value)).length;
const asMap = (value: unknown): Readonly<Record<string, Schema>> =>
  (isMap(value) ? value : {}) as Record<string, Schema>;

const checks: Readonly<Record<string, Check>> = {
  type: (types: string | string[], value) =>
    [types].flat().some((type) => (type === 'integer' ? Number.isInteger(value) : type === typeOf(value))),
  enum: (values: unknown[], value) => values.includes(value),
  minimum: (least: number, value) => typeof value !== 'number' || value >= least,
  exclusiveMinimum: (least: number, value) => typeof value !== 'number' || value > least,
  maximum: (most: number, value) => typeof value !== 'number' || value <= most,
  minLength: (least: number, value) => typeof value !== 'string' || value.length >= least,
  pattern: (pattern: string, value) => typeof value !== 'string' || new RegExp(pattern, 'u').test(value),
  minItems: (least: number, value) => !Array.isArray(value) || value.length >= least,
  items: (schema: Schema, value) => !Array.isArray(value) || value.every((one) => accepts(schema, one)),
  required: (keys: string[], value) => !isMap(value) || keys.every((key) => Object.hasOwn(value, key)),
  properties: (schemas: Record<string, Schema>, value) =>
    !isMap(value) || Object.entries(value).every(([key, one]) => accepts(ownOf(schemas, key) ?? true, one)),
  patternProperties: () => true,
  propertyNames: (schema: Schema, value) => !isMap(value) || Object.keys(value).every((key) => accepts(schema, key)),
  additionalProperties: (schema: Schema, value, { properties, patternProperties }) =>
    !isMap(value) ||
    Object.entries(value).every(
      ([key, one]) =>
        ownOf(asMap(properties), key) !== undefined ||
        Object.keys(asMap(patternProperties)).some((pattern) => new RegExp(pattern, 'u').test(key)) ||
        accepts(schema, one),
    ),
  anyOf: (schemas: Schema[], value) => some(schemas, value) > 0,
  oneOf: (schemas: Schema[], value) => some(schemas, value) === 1,
  if: (condition: Schema, value, { then, else: otherwise }) =>
    accepts((accepts(condition, value) ? then : otherwise) as Schema, value),
  then: () => true,
  else: () => true,
};

function ownOf(schemas: Readonly<Record<string, Schema>>, key: string): Schema | undefined {
  return Object.hasOwn(schemas, key) ? schemas[key] : undefined;
}
