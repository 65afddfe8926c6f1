import type { ActionEntry, Resources } from '@ryax/contracts';
import { demandOf, type Demand, type Wishes } from '../placement';

/** The demands of a definition's actions: those that are equal are one object, as most are. */
export class Demands {
  private readonly known = new Map<string, Demand>();

  /** @param ofAll what the workflow says for each action that does not say otherwise */
  constructor(private readonly ofAll: Wishes) {}

  /**
   * An action's constraints go field by field before the workflow's. Its objectives replace the workflow's: how much each counts is
   * said of all of them together.
   */
  of(
    { constraints, objectives }: Pick<ActionEntry, 'constraints' | 'objectives'>,
    resources: Resources,
    timeoutMs: number | null,
  ): Demand {
    const wishes = {
      constraints: constraints === undefined ? this.ofAll.constraints : { ...this.ofAll.constraints, ...constraints },
      objectives: objectives ?? this.ofAll.objectives,
    };
    const demand = demandOf(wishes, resources, timeoutMs);
    const known = this.known.get(demand.key);
    if (known !== undefined) return known;
    this.known.set(demand.key, demand);
    return demand;
  }
}
