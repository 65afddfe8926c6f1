import type { Outcome, Resources } from '@ryax/contracts';
import type { Amounts, Shortfall } from './resource-pool';

/** What a process takes of the pool: a slot, and what it declares. */
export function amountsOf(resources: Resources): Amounts {
  return {
    slots: 1,
    cpu: resources.cpu ?? 0,
    memory_bytes: resources.memory_bytes ?? 0,
    gpu: resources.gpu ?? 0,
  };
}

/** It can never run here: what it asked and what there is, of each resource that is too small. */
export function rejection(shortfalls: readonly Shortfall[], pool: string): Outcome {
  const parts = shortfalls.map(
    ({ resource, asked, available }) => `${show(resource, asked)} where it has ${show(resource, available)}`,
  );
  return {
    status: 'failed',
    failure: {
      kind: 'rejected',
      message: `It asks more than the pool ${pool} can ever give: ${parts.join(', ')}`,
      details: Object.fromEntries(shortfalls.map(({ resource, asked, available }) => [resource, { asked, available }])),
    },
  };
}

/** Nobody asked to cancel it, so its work was stopped from here: it is lost, not cancelled. */
export function lostUnlessFinished(outcome: Outcome): Outcome {
  if (outcome.status !== 'cancelled') return outcome;
  return { status: 'failed', failure: { kind: 'lost', message: 'Its executor was shut down' } };
}

function show(resource: keyof Amounts, amount: number): string {
  return resource === 'memory_bytes' ? `memory ${Math.round(amount / 2 ** 20)} MiB` : `${resource} ${amount}`;
}
