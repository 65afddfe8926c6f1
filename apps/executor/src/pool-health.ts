import type { Health } from '@ryax/platform';

/** What an executor and its launcher say of themselves. */
export type PoolHealth = Pick<Health, 'register' | 'fail'>;

/** Of one of several pools that a process serves: checks have names of their own. */
export function healthOfPool(health: PoolHealth, pool: string): PoolHealth {
  return {
    register: (name, check, options) => health.register(`${name} of pool ${pool}`, check, options),
    fail: (name, reason) => health.fail(`${name} of pool ${pool}`, reason),
  };
}
