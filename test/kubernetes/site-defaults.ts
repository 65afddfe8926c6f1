import { KubeConfig } from '@kubernetes/client-node';
import { IdSource } from '@ryax/platform';
import { isReal, pulling } from './target';

/** A name that no other run of the tests has: by it their pods are told apart. */
const runName = `test-${new IdSource()
  .newId()
  .toLowerCase()
  .replaceAll(/[^a-z0-9]/g, '')
  .slice(-12)}`;
let sites = 0;

/** Less than a spec has, so that what fails it is the executor's own words; a first pull of an image may take its time. */
export const patienceOfCluster = { image: '2m', starting: '4m', configuration: '1m', unschedulable: '2m' };

/** A site as specs have it that say nothing else. */
export function siteDefaults() {
  return {
    name: `${runName}-${process.pid}-${++sites}`,
    type: 'kubernetes',
    namespace: isReal ? namespaceOfCluster() : 'runs',
    // One node has room for many that ask for nothing.
    nodePools: [{ name: 'default', cpu: 1, memory: '1G', nodes: 100, slots: 1_000 }],
    gracePeriod: '2s',
    retention: '0s',
    // By which somebody removes what a run has left that was interrupted.
    labels: { 'ryax-test-run': process.env['RYAX_TEST_RUN'] ?? runName },
    ...(isReal && {
      patience: patienceOfCluster,
      podTemplate: { spec: { containers: [{ name: 'main', ...pulling }] } },
    }),
  };
}

function namespaceOfCluster(): string {
  const given = process.env['RYAX_TEST_NAMESPACE'];
  if (given !== undefined && given !== '') return given;
  const config = new KubeConfig();
  config.loadFromDefault();
  return config.getContextObject(config.getCurrentContext())?.namespace ?? 'default';
}
