/** What a step does: nothing, by the engine's own action, or through a handler process that stays warm. */
export type Step = 'noop' | 'handler';

const actionOf: Readonly<Record<Step, string>> = { noop: 'core/noop', handler: 'bench-noop@1.0' };

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
  const name = (layer: number, place: number) => `a${layer}-${place % width}`;
  const entries = Array.from({ length: actions }, (_, index) => {
    const layer = Math.floor(index / width);
    const place = index % width;
    const before = layer === 0 ? [] : [name(layer - 1, place), name(layer - 1, place + 1)];
    return [name(layer, place), [...new Set(before)]] as const;
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
    inputs: { step: index },
    ...(after.length === 0 ? {} : { after }),
  }));
  return { id, definition: definition(id, actions), parents: new Map(entries) };
}

export function definition(id: string, actions: readonly object[]): object {
  return { apiVersion: 'ryax.tech/v2.0', kind: 'Workflow', spec: { id, actions } };
}
