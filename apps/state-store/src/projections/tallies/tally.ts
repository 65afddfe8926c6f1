/** How many runs are, and executions ended, in each state: counted as they change, so that nobody counts rows. */
export interface TallyRow {
  readonly subject: 'run' | 'execution';
  readonly project: string;
  readonly state: string;
  readonly count: number;
}

/** What a batch changes in the tallies. */
export class TallyChanges {
  private readonly changes = new Map<string, TallyRow>();

  add(subject: TallyRow['subject'], project: string, state: string, by: number): void {
    const key = `${subject}:${state}:${project}`;
    const count = (this.changes.get(key)?.count ?? 0) + by;
    this.changes.set(key, { subject, project, state, count });
  }

  get rows(): readonly TallyRow[] {
    return [...this.changes.values()].filter(({ count }) => count !== 0);
  }
}
