import { Environment } from '@marcbachmann/cel-js';
import { Meter, sizeOf } from './meter';

/**
 * The one CEL environment that checks and evaluates every expression. Instead of declaring each definition's names in
 * an environment of its own (slow to build, and its types are never freed), an expression is lowered: its references
 * become variables named by their type (`int_0`, `list_1`), of which there is a fixed set.
 */
export const celTypes = ['bool', 'int', 'double', 'string', 'list', 'map', 'dyn'] as const;
export type CelType = (typeof celTypes)[number];

/** Different references that one expression may have. */
export const referencesPerExpression = 64;

/** Bounds of one expression's text. */
export const expressionLimits = {
  characters: 4096,
  nodes: 400,
  depth: 40,
  nestedLoops: 4,
} as const;

/** Parses what users wrote. The types of names are not known to it: it only reads the syntax. */
export const syntax = new Environment({
  unlistedVariablesAreDyn: true,
  limits: {
    maxAstNodes: expressionLimits.nodes,
    maxDepth: expressionLimits.depth,
    maxListElements: 200,
    maxMapEntries: 200,
  },
});

/** Charged for the evaluation that is running: evaluation is synchronous, so there is one at a time. */
export const meter = new Meter();

export const environment = createEnvironment();

function createEnvironment(): Environment {
  const created = new Environment({ homogeneousAggregateLiterals: false });
  registerMixedNumbers(created);
  registerMetering(created);
  for (const type of celTypes) {
    for (let i = 0; i < referencesPerExpression; i++) created.registerVariable(`${type}_${i}`, type);
  }
  return created;
}

type Number2 = (a: number, b: number) => number;

/** CEL has no `1 + 0.5`. JSON numbers are doubles, so without these `item.count + 1` would be an error. */
function registerMixedNumbers(created: Environment): void {
  const remainder: Number2 = (a, b) => a % b;
  const operators: readonly (readonly [string, Number2])[] = [
    ['+', (a, b) => a + b],
    ['-', (a, b) => a - b],
    ['*', (a, b) => a * b],
    ['/', (a, b) => a / b],
    ['%', remainder],
  ];
  const asDoubles = (operator: Number2) => (a: bigint | number, b: bigint | number) => operator(Number(a), Number(b));
  for (const [sign, operator] of operators) {
    created.registerOperator(`int ${sign} double: double`, asDoubles(operator));
    created.registerOperator(`double ${sign} int: double`, asDoubles(operator));
  }
  created.registerOperator('double % double: double', asDoubles(remainder));
  // Comparisons by order between int and double are part of the library; equality only where a type is unknown.
  created.registerOperator('int == double: bool', (a: bigint, b: number) => Number(a) === b);
}

/**
 * Lowering puts these around what is about to be walked: `metered(list_0, 7).exists(…)`. They give back their value.
 */
function registerMetering(created: Environment): void {
  created.registerFunction(
    'metered(A, int): A',
    (value: unknown, stepsPerElement: bigint) => {
      meter.spend(sizeOf(value) * Number(stepsPerElement));
      return value;
    },
    { async: false },
  );
  created.registerFunction(
    'compared(A): A',
    (value: unknown) => {
      spendDeeply(value);
      return value;
    },
    { async: false },
  );
}

/** Equality walks a value to its leaves. */
function spendDeeply(value: unknown): void {
  meter.spend(sizeOf(value));
  if (typeof value === 'object' && value !== null) Object.values(value).forEach(spendDeeply);
}
