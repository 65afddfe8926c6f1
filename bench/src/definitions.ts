/** What a step does: nothing, by the engine's own action, or through a handler process that stays warm. */
export type Step = 'noop' | 'handler';

const actionOf: Readonly<Record<Step, string>> = { noop: 'core/noop', handler: 'bench-noop@1.0' };

/** Keeps the inputs of a long definition short. */
const mostSteps = 1_000;

export interface Graph {
  readonly id: string;
  readonly definition: object;
  /** By action, the actions that must have succeeded before it starts. */
  readonly parents: ReadonlyMap<string, readonly string[]>;
}

/** Actions one after the other, each with the output of the one before as its input where it is the engine's own. */
export function chain(id: string, steps: number, step: Step): Graph {
  return graph(
    id,
    Array.from({ length: steps }, (_, index) => [`s${index}`, index === 0 ? [] : [`s${index - 1}`]]),
    step,
  );
}

/** One, then many at once, then one. */
export function fan(id: string, width: number, step: Step): Graph {
  const branches = Array.from({ length: width }, (_, index) => `b${index}`);
  return graph(id, [['fork', []], ...branches.map((branch) => [branch, ['fork']] as const), ['join', branches]], step);
}

/** Layers of equal width; each action waits for two of the layer before. */
export function layers(id: string, actions: number, width: number): Graph {
  // Short names, of which none is a reserved word of expressions: 100,000 entries have to fit into one definition.
  const name = (index: number) => `x${index.toString(36)}`;
  const entries = Array.from({ length: actions }, (_, index) => {
    const first = index - (index % width) - width;
    const places = [index % width, ((index % width) + 1) % width];
    const before = first < 0 ? [] : [...new Set(places)].map((place) => name(first + place));
    return [name(index), before] as const;
  });
  return graph(id, entries, 'noop');
}

/** One action that does nothing for a long time and holds no slot. */
export function sleeper(id: string, seconds: number): Graph {
  return {
    id,
    definition: definition(id, [{ id: 'sleep', action: 'core/sleep', inputs: { seconds } }]),
    parents: new Map([['sleep', []]]),
  };
}

function graph(id: string, entries: readonly (readonly [string, readonly string[]])[], step: Step): Graph {
  const actions = entries.map(([action, after], index) => ({
    id: action,
    action: actionOf[step],
    // A noop gives back its inputs: a small JSON, as a handler would.
    inputs: { step: index % mostSteps },
    ...(after.length === 0 ? {} : { after }),
  }));
  return { id, definition: definition(id, actions), parents: new Map(entries) };
}

export function definition(id: string, actions: readonly object[]): object {
  return { apiVersion: 'ryax.tech/v2.0', kind: 'Workflow', spec: { id, actions } };
}
