import type { Inject } from './ongoing';

const hourMs = 3_600_000;

/** The wall clock of one process is an hour off (shifted-clock.cjs), and then right again: two jumps. */
export const clockJump: Inject<'clock-jump'> = async (cluster, { target, hours }) => {
  const replica = cluster.replica(target);
  await replica.shiftClock(hours * hourMs);
  return async () => {
    await replica.waitUntilRunning();
    await replica.shiftClock(0);
  };
};
