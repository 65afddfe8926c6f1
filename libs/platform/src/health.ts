import { Injectable } from '@nestjs/common';
import { answerWithin } from './deadline';
import { messageOf } from './errors';
import { Facts } from './facts';

/** Resolves when all is well; throws (or exceeds its deadline) with the reason when not. */
export type Check = () => Promise<void> | void;

export interface CheckFailure {
  readonly name: string;
  readonly reason: string;
}

export interface CheckOptions {
  /** A check that has not answered by then fails; a dead connection often just says nothing. */
  readonly deadlineMs?: number;
}

const defaultDeadlineMs = 2_000;

/**
 * What a service says about itself. Readiness: may it be sent work now (all checks pass)? Liveness: would a restart
 * help (a vital part has ended)? A lost database is a matter of readiness only: restarting would not bring it back.
 */
@Injectable()
export class Health {
  /** Said with readiness, and never against it. */
  readonly facts = new Facts();
  private readonly checks = new Map<string, { check: Check; deadlineMs: number }>();
  private readonly fatal = new Map<string, string>();

  /** Adds a readiness check; the answer removes it again. */
  register(name: string, check: Check, { deadlineMs = defaultDeadlineMs }: CheckOptions = {}): () => void {
    if (this.checks.has(name)) throw new Error(`Expected one health check named ${name}, found a second`);
    this.checks.set(name, { check, deadlineMs });
    return () => this.checks.delete(name);
  }

  /** Says that a vital part has ended for good: only a restart helps. */
  fail(name: string, reason: string): void {
    this.fatal.set(name, reason);
  }

  /** What only a restart would cure; empty while alive. */
  deadParts(): CheckFailure[] {
    return [...this.fatal].map(([name, reason]) => ({ name, reason }));
  }

  /** What keeps this service from taking work; empty when ready. */
  async unreadyParts(): Promise<CheckFailure[]> {
    const failures = await Promise.all(
      [...this.checks].map(([name, { check, deadlineMs }]) => failureOf(name, check, deadlineMs)),
    );
    return [...this.deadParts(), ...failures.filter((failure) => failure !== undefined)];
  }
}

async function failureOf(name: string, check: Check, deadlineMs: number): Promise<CheckFailure | undefined> {
  try {
    await answerWithin(deadlineMs, check);
    return undefined;
  } catch (error) {
    return { name, reason: messageOf(error) };
  }
}
