import { deployedDefinitionSchema } from '@ryax/contracts';
import { compilePlan, type Plan } from '@ryax/workflow';
import { Durations } from './durations';

const container = { container: { image: 'alpine', command: ['true'] } };

/** `first → second`, and `alone` beside them. */
function plan(): Plan {
  const actions = [
    { id: 'first', ...container },
    { id: 'second', after: ['first'], ...container },
    { id: 'alone', ...container },
  ];
  const definition = { apiVersion: 'ryax.tech/v2.0', kind: 'Workflow', spec: { id: 'w', actions } };
  return compilePlan(deployedDefinitionSchema.parse({ definition, actions: {} }));
}

class Memory {
  readonly plan = plan();
  readonly durations = new Durations();

  observed(id: string, ...durations: number[]): void {
    const entry = this.plan.entryById.get(id);
    if (entry === undefined) throw new Error(`Expected an entry ${id}`);
    for (const ms of durations) this.durations.observed(this.plan, entry, ms);
  }

  get heights(): Record<string, number> | undefined {
    const heights = this.durations.heightsOf(this.plan);
    return (
      heights && Object.fromEntries(this.plan.entries.map(({ id, number }) => [id, Math.round(heights[number] ?? 0)]))
    );
  }
}

describe('Durations of actions', () => {
  it('say nothing of what has never run', () => {
    expect(new Memory().heights).toBeUndefined();
  });

  it('make the height of an entry the time of the longest path from it, a little for each action included', () => {
    const memory = new Memory();
    memory.observed('first', 10);
    memory.observed('second', 20);
    memory.observed('alone', 500);
    expect(memory.heights).toEqual({ first: 32, second: 21, alone: 501 });
  });

  it('take what was never seen for as long as the others are in the mean', () => {
    const memory = new Memory();
    memory.observed('first', 100);
    memory.observed('second', 300);
    expect(memory.heights).toMatchObject({ alone: 201 });
  });

  it('follow what has changed, and forget what was long ago', () => {
    const memory = new Memory();
    memory.observed('alone', 100);
    expect(memory.heights).toMatchObject({ alone: 101 });
    memory.observed('alone', ...Array.from({ length: 100 }, () => 900));
    expect(memory.heights?.['alone']).toBeGreaterThan(890);
  });

  it('keep the order that a run was given, and make none for a difference that is noise', () => {
    const memory = new Memory();
    memory.observed('alone', 100);
    const given = memory.durations.heightsOf(memory.plan);
    const values = Array.from(given ?? []);
    memory.observed('alone', 102, 98);
    expect(memory.durations.heightsOf(memory.plan)).toBe(given);
    memory.observed('alone', 5_000);
    expect(memory.durations.heightsOf(memory.plan)).not.toBe(given);
    expect(Array.from(given ?? [])).toEqual(values);
  });
});
