/** Inputs for any call of the contract, made from its own schema: such as pass it, and such as nearly do. */

import fc from 'fast-check';
import { z } from 'zod';

interface Shape {
  readonly type?: string | undefined;
  readonly const?: unknown;
  readonly enum?: readonly unknown[] | undefined;
  readonly oneOf?: readonly Shape[] | undefined;
  readonly anyOf?: readonly Shape[] | undefined;
  readonly properties?: Readonly<Record<string, Shape>> | undefined;
  readonly required?: readonly string[] | undefined;
  readonly items?: Shape | undefined;
  readonly prefixItems?: readonly Shape[] | undefined;
  readonly minItems?: number | undefined;
  readonly maxItems?: number | undefined;
  readonly minimum?: number | undefined;
  readonly maximum?: number | undefined;
  readonly pattern?: string | undefined;
}

/** What of JSON Schema the contract's schemas come to. */
const shapeSchema: z.ZodType<Shape> = z.object({
  type: z.string().optional(),
  const: z.unknown().optional(),
  enum: z.array(z.unknown()).optional(),
  get oneOf() {
    return z.array(shapeSchema).optional();
  },
  get anyOf() {
    return z.array(shapeSchema).optional();
  },
  get properties() {
    return z.record(z.string(), shapeSchema).optional();
  },
  required: z.array(z.string()).optional(),
  get items() {
    return shapeSchema.optional();
  },
  get prefixItems() {
    return z.array(shapeSchema).optional();
  },
  minItems: z.number().optional(),
  maxItems: z.number().optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  pattern: z.string().optional(),
});

export interface Words {
  /** Wherever a text is free: paths inside and outside, and others. */
  readonly text: fc.Arbitrary<string>;
  /** Ids and names of what is there; used wherever their pattern fits. */
  readonly known: readonly string[];
  /** Put in the place of anything, now and then. */
  readonly anything: fc.Arbitrary<unknown>;
}

export function inputsOf(schema: z.ZodType, words: Words): fc.Arbitrary<unknown> {
  const json = z.toJSONSchema(schema, { unrepresentable: 'any', io: 'input' });
  return inputOf(shapeSchema.parse(json), words);
}

function inputOf(shape: Shape, words: Words): fc.Arbitrary<unknown> {
  return fc.oneof(
    { weight: 24, arbitrary: fittingOf(shape, words) },
    { weight: 1, arbitrary: words.anything },
  );
}

function fittingOf(shape: Shape, words: Words): fc.Arbitrary<unknown> {
  if (shape.const !== undefined) return fc.constant(shape.const);
  if (shape.enum !== undefined) return fc.constantFrom(...shape.enum);
  const either = shape.oneOf ?? shape.anyOf;
  if (either !== undefined) return fc.oneof(...either.map((one) => inputOf(one, words)));
  switch (shape.type) {
    case 'object': {
      const fields = Object.entries(shape.properties ?? {});
      return fc.record(
        Object.fromEntries(fields.map(([name, field]) => [name, inputOf(field, words)])),
        { requiredKeys: [...(shape.required ?? [])] },
      );
    }
    case 'array': {
      if (shape.prefixItems !== undefined)
        return fc.tuple(...shape.prefixItems.map((item) => inputOf(item, words)));
      const minLength = shape.minItems ?? 0;
      const maxLength = Math.max(minLength, Math.min(3, shape.maxItems ?? 3));
      return fc.array(inputOf(shape.items ?? {}, words), { minLength, maxLength });
    }
    case 'string':
      return shape.pattern === undefined ? words.text : patterned(shape.pattern, words);
    case 'boolean':
      return fc.boolean();
    case 'integer':
    case 'number': {
      const { minimum: min = -1e15, maximum: max = 1e15 } = shape;
      return shape.type === 'integer'
        ? fc.integer({ min: Math.ceil(min), max: Math.floor(max) })
        : fc.double({ min, max, noNaN: true });
    }
    default:
      return words.anything;
  }
}

function patterned(pattern: string, { known, text }: Words): fc.Arbitrary<string> {
  const expression = new RegExp(pattern, 'u');
  const there = known.filter((word) => expression.test(word));
  const like = textLike(expression);
  return there.length === 0
    ? fc.oneof(like, text)
    : fc.oneof(
        { weight: 8, arbitrary: fc.constantFrom(...there) },
        { weight: 1, arbitrary: like },
        { weight: 1, arbitrary: text },
      );
}

/** Patterns with lookarounds and the like are left to chance. */
function textLike(expression: RegExp): fc.Arbitrary<string> {
  try {
    return fc.stringMatching(expression);
  } catch {
    return fc.string();
  }
}
