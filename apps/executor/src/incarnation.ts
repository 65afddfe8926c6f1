import { createHash } from 'node:crypto';

/**
 * Who shares a pool with others hears from runners who lives at the site, in whatever pool, and nothing else: so the names of such
 * executors begin with a sign of their pool. As values of labels they are short.
 */
export function incarnationIn(pool: string, id: string): string {
  return `${signOf(pool)}_${id}`;
}

/** Whether an executor that lives at our site serves this pool. One of a version without signs may: all at its site served one. */
export function mayShare(incarnation: string, pool: string): boolean {
  const end = incarnation.indexOf('_');
  return end === -1 || incarnation.slice(0, end) === signOf(pool);
}

function signOf(pool: string): string {
  return createHash('sha256').update(pool).digest('hex').slice(0, 8);
}

/** Which of those that live is ours, itself included, and how many they are: each comes to the same by itself. */
export function placeAmong(incarnations: readonly string[], own: string): readonly [index: number, executors: number] {
  const all = [...new Set([...incarnations, own])].sort();
  return [all.indexOf(own), all.length];
}
