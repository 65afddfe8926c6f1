import { ConfigError, type ConfigFault } from '@ryax/platform';
import type { ExecutorVariables } from '../executor.config';
import type { ExecutorSettings } from '../settings';
import { amountsOfPod } from './pod-resources';
import { capacityOf, kindOf, largestOf, readSiteFile, shareOf, type NodePool, type SiteConfig } from './site-config';

/** Where pods run, and what is offered there. */
export interface Place {
  readonly site: SiteConfig;
  /** All of the site's, or the one that `RYAX_POOL` names: an executor for each. */
  readonly pools: readonly PlaceOfPool[];
}

export interface PlaceOfPool {
  readonly pool: NodePool;
  readonly settings: Pick<
    ExecutorSettings,
    'site' | 'pool' | 'poolKind' | 'capacity' | 'largest' | 'share' | 'amountsOf'
  >;
}

/**
 * From the site's file and the variables beside it.
 * @throws ConfigError or SiteConfigError
 */
export function readPlace(path: string, config: ExecutorVariables): Place {
  const site = readSiteFile(path);
  const faults = contradictions(site, config);
  const named = site.nodePools.filter(({ name }) => name === (config.RYAX_POOL ?? name));
  if (named.length === 0) faults.push(poolFault(site, config.RYAX_POOL));
  if (faults.length > 0) throw new ConfigError(faults);
  return { site, pools: named.map((pool) => placeOf(site, pool, config)) };
}

function placeOf(site: SiteConfig, named: NodePool, config: ExecutorVariables): PlaceOfPool {
  const pool = { ...named, slots: Math.min(named.slots, config.RYAX_MAX_CONCURRENT_TASKS ?? named.slots) };
  return {
    pool,
    settings: {
      site: site.name,
      pool: pool.name,
      poolKind: kindOf(pool),
      capacity: capacityOf(pool),
      largest: largestOf(pool),
      share: (index, executors) => shareOf(pool, index, executors),
      amountsOf: (resources) => amountsOfPod(resources, site.defaults),
    },
  };
}

/** What the file says, and a variable says otherwise. */
function contradictions(site: SiteConfig, config: ExecutorVariables): ConfigFault[] {
  const faults: ConfigFault[] = [];
  if (config.RYAX_SITE !== undefined && config.RYAX_SITE !== site.name) {
    const expected = `nothing, or "${site.name}" as in the file of RYAX_SITE_CONFIG`;
    faults.push({ variable: 'RYAX_SITE', expected, found: `"${config.RYAX_SITE}"` });
  }
  for (const variable of ['RYAX_POOL_CPU', 'RYAX_POOL_MEMORY', 'RYAX_POOL_GPU'] as const) {
    const value = config[variable];
    if (value === undefined) continue;
    faults.push({ variable, expected: 'nothing beside RYAX_SITE_CONFIG, whose file says it', found: String(value) });
  }
  return faults;
}

function poolFault({ nodePools }: SiteConfig, name = ''): ConfigFault {
  const names = nodePools.map((pool) => pool.name).join(', ');
  const expected = `one of the pools in the file of RYAX_SITE_CONFIG (${names})`;
  return { variable: 'RYAX_POOL', expected, found: `"${name}"` };
}
