import type { ActionEntry, Definition, Entry, PinnedAction, Resources } from '@ryax/contracts';
import type { Demand } from '../placement';
import { Demands } from './demands';
import { Faults } from './faults';
import { readResources, readTimeout } from './settings';

/** What the executions of one or several entries need a warm worker, or pod, of. */
export interface PlannedHandler {
  readonly contentHash: string;
  readonly resources: Resources;
  readonly demand: Demand;
}

/**
 * The handlers of a definition that was accepted, each once for each place and amount that it is wanted with, as they stand there, `finally`
 * last. What a plan would tell, without one: no expression is looked at, and an entry that says what another has said costs a look.
 *
 * @param pinned what a reference means; undefined for a built-in
 * @param most of more than these the last are left out
 */
export function handlersOf(
  { spec }: Definition,
  pinned: (reference: string) => PinnedAction | undefined,
  most: number,
): readonly PlannedHandler[] {
  const demands = new Demands(spec);
  const found = new Map<string, PlannedHandler>();
  const seen = new Set<string>();
  const see = (entry: ActionEntry): void => {
    const said = sayingOf(entry);
    if (entry.action === undefined || seen.has(said)) return;
    seen.add(said);
    const action = pinned(entry.action);
    if (action === undefined) return;
    const handler = handlerOf(entry, action, demands);
    const key = `${handler.contentHash} ${handler.demand.key}`;
    if (!found.has(key)) found.set(key, handler);
  };
  const walk = (entries: readonly Entry[]): void => {
    for (const entry of entries) {
      if (found.size >= most) return;
      if ('actions' in entry) walk(entry.actions);
      else see(entry);
    }
  };
  walk(spec.actions);
  walk(spec.finally ?? []);
  return [...found.values()];
}

function handlerOf(entry: ActionEntry, { content_hash, manifest }: PinnedAction, demands: Demands): PlannedHandler {
  // The definition was accepted: there are none.
  const faults = new Faults();
  const resources = readResources(entry.resources, manifest.resources, null, faults);
  const demand = demands.of(entry, resources, readTimeout(entry.timeout, resources, null, faults));
  return { contentHash: content_hash, resources, demand };
}

/** The same for entries that want the same by the same words. */
function sayingOf({ action = '', resources, constraints, objectives, timeout }: ActionEntry): string {
  const isPlain =
    resources === undefined && constraints === undefined && objectives === undefined && timeout === undefined;
  return isPlain ? action : `${action} ${JSON.stringify([resources, constraints, objectives, timeout])}`;
}
