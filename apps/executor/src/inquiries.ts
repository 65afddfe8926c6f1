import type { Owner } from '@ryax/platform';
import { attemptName, type Addressed } from './attempt-name';
import type { Attempts } from './attempts';
import type { KeptWork } from './launcher';

interface Question {
  readonly about: Addressed;
  /** By the database; null if the runner does not say. */
  readonly askedAt: number | null;
}

/**
 * Questions about attempts at a site whose work outlives its executors. Whoever does not hold an attempt may still see its work: somebody
 * else has it, or it will be ours, and we are asked again. A runner repeats what is not answered, and to look may take for as long as
 * the cluster does not answer: so one look at a time is made for an attempt, and another one only for a newer question.
 */
export class Inquiries {
  private readonly open = new Map<string, Question>();

  constructor(
    private readonly kept: Pick<KeptWork, 'exists'>,
    private readonly attempts: Pick<Attempts, 'has' | 'query'>,
    private readonly owner: Owner,
  ) {}

  ask(about: Addressed, askedAt: number | null): void {
    const name = attemptName(about);
    if (this.attempts.has(name)) return this.attempts.query(about, askedAt);
    const before = this.open.get(name);
    if (before !== undefined && before.askedAt === askedAt) return;
    this.open.set(name, { about, askedAt });
    if (before === undefined) this.owner.run('look for what is asked for', () => this.lookFor(name));
  }

  /** What was seen before a question was put is no answer to it. */
  private async lookFor(name: string): Promise<void> {
    try {
      for (let question = this.open.get(name); question !== undefined; question = this.open.get(name)) {
        const { about, askedAt } = question;
        const isThere = await this.kept.exists(about);
        if (this.open.get(name) !== question) continue;
        this.open.delete(name);
        if (!isThere) this.attempts.query(about, askedAt);
      }
    } finally {
      this.open.delete(name);
    }
  }
}
