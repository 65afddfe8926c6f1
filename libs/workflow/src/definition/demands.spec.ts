import type { JsonObject } from '@ryax/contracts';
import { plainDemand, slotlessDemand } from '../placement';
import type { Plan } from './plan';
import { catalogue, workflow } from './spec-fixtures';
import { validateDefinition } from './validate';

const work = (id: string, more: JsonObject = {}) => ({
  id,
  container: { image: 'alpine', command: ['true'] },
  ...more,
});

function planOf(...actions: readonly JsonObject[]): Plan {
  return planWith({}, ...actions);
}

function planWith(spec: JsonObject, ...actions: readonly JsonObject[]): Plan {
  const validation = validateDefinition(workflow({ ...spec, actions: [...actions] }), catalogue);
  if (!validation.ok) throw new Error(JSON.stringify(validation.faults));
  return validation.plan;
}

const demandIn = (plan: Plan, id: string) => plan.entryById.get(id)?.demand;
const laneIn = (plan: Plan, id: string) => demandIn(plan, id)?.lane;

describe('where an action may run', () => {
  it('is anywhere unless it says so', () => {
    expect(demandIn(planOf(work('a')), 'a')).toEqual(plainDemand);
  });

  it('is what it says, field by field before what the workflow says; its objectives replace the workflow’s', () => {
    const ofAll = { constraints: { site: 'cluster-1', pool: 'cpu' }, objectives: { cost: 1, time: 2 } };
    const plan = planWith(
      ofAll,
      work('usual'),
      work('own', { constraints: { pool: 'gpu', architecture: 'arm64' }, objectives: { energy: 5, time: 0 } }),
      { id: 'g', actions: [work('inside')] },
    );
    expect(laneIn(plan, 'usual')).toMatchObject({ constraints: ofAll.constraints, objectives: ofAll.objectives });
    expect(laneIn(plan, 'own')).toMatchObject({
      constraints: { site: 'cluster-1', pool: 'gpu', architecture: 'arm64' },
      objectives: { energy: 5 },
    });
    expect(demandIn(plan, 'inside')).toBe(demandIn(plan, 'usual'));
  });

  it('is in the same lane for all that ask for the same place, whatever they take of a node', () => {
    const gpu = { constraints: { pool: 'gpu' } };
    const plan = planOf(
      work('a', gpu),
      work('b', { ...gpu, resources: { cpu: 2, memory: '1G', gpu: 1 }, timeout: '1m' }),
      work('c', { ...gpu, resources: { time: '1h' }, timeout: '1m' }),
      work('d', { objectives: { time: 1 } }),
    );
    const lanes = ['a', 'b', 'c', 'd'].map((id) => laneIn(plan, id)?.key);
    expect(new Set(lanes.slice(0, 3)).size).toBe(1);
    expect(lanes[3]).not.toBe(lanes[0]);
    expect(demandIn(plan, 'b')).toMatchObject({ cpu: 2, memory_bytes: 2 ** 30, gpu: 1, timeMs: 60_000 });
    expect(demandIn(plan, 'c')).toMatchObject({ timeMs: 3_600_000 });
  });

  it('is anywhere for a built-in, whatever is said', () => {
    const value = workflow({
      constraints: { pool: 'gpu' },
      actions: [{ id: 'nap', action: 'core/sleep', inputs: { seconds: 1 }, constraints: { site: 'x' } }],
    });
    const validation = validateDefinition(value, catalogue);
    expect(validation).toMatchObject({
      ok: true,
      warnings: [{ path: 'spec.actions[0].constraints', reason: expect.stringContaining('changes nothing') }],
    });
    if (validation.ok) expect(demandIn(validation.plan, 'nap')).toBe(slotlessDemand);
  });

  it.each<[JsonObject, string, string]>([
    [{ constraints: { architecture: 'amd46' } }, 'constraints.architecture', 'did you mean "amd64"?'],
    [{ constraints: { sites: 'x' } }, 'constraints.sites', 'unknown field; did you mean "site"?'],
    [{ constraints: { site: 'a b' } }, 'constraints.site', 'expected letters, digits, . _ or -'],
    [{ constraints: { pool: 7 } }, 'constraints.pool', 'expected a string, found the number 7'],
    [{ constraints: 'gpu' }, 'constraints', 'expected an object'],
    [{ objectives: { costs: 1 } }, 'objectives.costs', 'unknown field; did you mean "cost"?'],
    [{ objectives: { time: 101 } }, 'objectives.time', 'expected at most 100'],
    [{ objectives: { time: -1 } }, 'objectives.time', 'expected at least 0'],
  ])('names what is wrong with %j', (more, place, reason) => {
    const ofAction = validateDefinition(workflow({ actions: [work('a', more)] }), catalogue);
    expect(ofAction).toMatchObject({
      ok: false,
      faults: [{ path: `spec.actions[0].${place}`, reason: expect.stringContaining(reason) }],
    });
    const ofAll = validateDefinition(workflow({ ...more, actions: [work('a')] }), catalogue);
    expect(ofAll).toMatchObject({
      ok: false,
      faults: [{ path: `spec.${place}`, reason: expect.stringContaining(reason) }],
    });
  });

  it('is said of actions, and not of groups', () => {
    const value = workflow({ actions: [{ id: 'g', constraints: { site: 'x' }, actions: [work('a')] }] });
    expect(validateDefinition(value, catalogue)).toMatchObject({
      ok: false,
      faults: [{ path: 'spec.actions[0].constraints', reason: expect.stringContaining('is for actions') }],
    });
  });

  it('changes nothing of what is deployed where nothing is said', () => {
    const value = workflow({ actions: [work('a')] });
    const validation = validateDefinition(value, catalogue);
    expect(validation.ok && validation.deployed.definition).toEqual(value);
  });
});
