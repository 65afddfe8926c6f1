import type { DecodedEvent } from '../../tail/decoded-event';
import type { RunRow } from '../runs/run-row';

/** What runs of one definition have shown of one of its entries: what estimates are made of. */
export interface ObservationRow {
  readonly project: string;
  readonly definitionHash: string;
  /** The entry's id; all executions of a `for_each` count together. */
  readonly entry: string;
  /** `duration`: of its executions that succeeded, in ms. `count`: of the elements of its `for_each`. */
  readonly subject: 'duration' | 'count';
  readonly seen: number;
  readonly mean: number;
  readonly variance: number;
  /** Of the event that was seen last. */
  readonly position: number;
}

/** One thing seen. */
export type Observation = Omit<ObservationRow, 'seen' | 'mean' | 'variance'> & { readonly value: number };

/** What an event shows of an entry of its run's definition, if it does. */
export function observe(
  { event, position }: DecodedEvent,
  { project, definitionHash }: RunRow,
): Observation | undefined {
  switch (event.type) {
    case 'ExecutionSucceeded': {
      const { execution, duration_ms: value } = event.data;
      if (value === null) return undefined;
      return { project, definitionHash, position, entry: entryOf(execution), subject: 'duration', value };
    }
    case 'CollectionOpened':
      return {
        project,
        definitionHash,
        position,
        entry: entryOf(event.data.execution),
        subject: 'count',
        value: event.data.count,
      };
    default:
      return undefined;
  }
}

/** So that an action that has become slower is known to be so after some tens of executions, not thousands. */
const memory = 50;

/** Mean and variance over about the last {@link memory} values: exact before that, then each new one weighs 1/50. */
export function addObservation(row: ObservationRow | undefined, observation: Observation): ObservationRow {
  const { value, project, definitionHash, entry, subject, position } = observation;
  const { seen, mean, variance } = row ?? { seen: 0, mean: 0, variance: 0 };
  const weight = 1 / Math.min(seen + 1, memory);
  const distance = value - mean;
  return {
    project,
    definitionHash,
    entry,
    subject,
    position,
    seen: seen + 1,
    mean: mean + weight * distance,
    variance: (1 - weight) * (variance + weight * distance ** 2),
  };
}

/** The entry that an execution (`fit.7`) belongs to. */
export function entryOf(execution: string): string {
  const dot = execution.indexOf('.');
  return dot === -1 ? execution : execution.slice(0, dot);
}
