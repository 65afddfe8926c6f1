import type { Beat } from '@ryax/contracts';
import { loadConfig } from '@ryax/platform';
import { z } from 'zod';
import { ExecutorRegistry } from './executors';
import { beatMs, leastExecutorPatienceMs, maxGapMs, runnerVariables } from './runner.config';
import { alone } from './testing/alone';

const load = (patience: string) =>
  loadConfig(z.object(runnerVariables), { RYAX_EXECUTOR_PATIENCE_MS: patience }).RYAX_EXECUTOR_PATIENCE_MS;

const beat: Beat = { executor: 'host', incarnation: 'e1', site: 'local', pools: [], sent: 0, schema_max: 1 };

describe('The patience with executors', () => {
  it('may be no shorter than what one late beat of the runner itself, however late, looks like', () => {
    expect(() => load('3499')).toThrow(
      'RYAX_EXECUTOR_PATIENCE_MS: expected a whole number of milliseconds, at least 3500',
    );
  });

  it('outlasts at its least a runner that hears itself late, and its executors after that', () => {
    const registry = new ExecutorRegistry({ patienceMs: load(String(leastExecutorPatienceMs)), maxGapMs }, alone);
    registry.heardSelf(0);
    registry.heard(beat);
    // Its next beat is on its way when ours comes back, and all that follows is heard late.
    registry.heardSelf(beatMs);
    registry.heardSelf(60_000);
    expect(registry.isDead('e1')).toBe(false);
  });

  it('ends all the same', () => {
    const registry = new ExecutorRegistry({ patienceMs: load(String(leastExecutorPatienceMs)), maxGapMs }, alone);
    registry.heard(beat);
    for (let at = 0; at <= 4 * beatMs; at += beatMs) registry.heardSelf(at);
    expect(registry.isDead('e1')).toBe(true);
  });
});
