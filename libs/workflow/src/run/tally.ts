import { addReady, removeReady } from './lanes';
import { phases, type Phase } from './phase';
import { isCollection, type Instance, type RunState } from './state';

const phaseNumbers = new Map(phases.map((phase, number) => [phase, number]));

/** The only place where a phase changes: lanes and tallies follow it. */
export function setPhase(state: RunState, instance: Instance, phase: Phase): void {
  const before = instance.phase;
  instance.phase = phase;
  if (before === 'ready') removeReady(state.lanes, instance);
  if (phase === 'ready') addReady(state.lanes, instance);
  if (isCollection(instance)) return;
  addToTally(state, instance, before, -1);
  addToTally(state, instance, phase, 1);
}

function addToTally(state: RunState, instance: Instance, phase: Phase, change: number): void {
  const at = instance.entry.number * phases.length + (phaseNumbers.get(phase) ?? 0);
  state.tally[at] = (state.tally[at] ?? 0) + change;
}

/** Every instance is counted once, when it is made. */
export function countInstance(state: RunState, instance: Instance): Instance {
  if (!isCollection(instance)) addToTally(state, instance, instance.phase, 1);
  return instance;
}
