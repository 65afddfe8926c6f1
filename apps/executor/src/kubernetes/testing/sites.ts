import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseSite, readSiteFile, type NodePool, type SiteConfig } from '../site-config';

export const exampleFile = join(__dirname, '../../../../../deploy/sites/kubernetes.yaml');
export const exampleText = readFileSync(exampleFile, 'utf8');
export const exampleSite: SiteConfig = readSiteFile(exampleFile);

/** What a site must say at least, and whatever else it says. */
export function siteWith(fields: object = {}): SiteConfig {
  return parseSite(JSON.stringify({ ...leastSite, ...fields }), 'spec');
}
export const leastSite = {
  name: 'cluster-1',
  type: 'kubernetes',
  namespace: 'runs',
  nodePools: [{ name: 'default', cpu: 4, memory: '8G', slots: 10 }],
};

export function poolOf(site: SiteConfig, name = 'default'): NodePool {
  const pool = site.nodePools.find((each) => each.name === name);
  if (pool === undefined) throw new Error(`Expected the pool ${name} in the site ${site.name}`);
  return pool;
}
