import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inRoot } from './paths.mjs';

const howToSet =
  'Set KUBECONFIG to a file that leads to a cluster, as kubectl takes it: KUBECONFIG=~/.kube/config npm run demo -- --site kubernetes';

/** What a demo on the cluster of KUBECONFIG needs: a site's file, and the example with this image, in a folder of its own. */
export async function prepareCluster(image) {
  const { namespace, server } = await currentContext();
  const folder = mkdtempSync(join(tmpdir(), 'ryax-demo-'));
  const siteFile = join(folder, 'site.yaml');
  const nodePools = [{ name: 'default', cpu: 1, memory: '1G', slots: 10 }];
  // JSON is YAML. What has ended is deleted at once: a demo leaves nothing behind.
  writeFileSync(siteFile, JSON.stringify({ name: 'demo', type: 'kubernetes', namespace, nodePools, retention: '0s' }));
  const workflow = join(folder, 'pods');
  mkdirSync(workflow);
  const example = readFileSync(inRoot('examples', 'pods', 'workflow.yaml'), 'utf8');
  const withImage = example.replaceAll(/^( +image: ).*$/gm, (_line, field) => `${field}${JSON.stringify(image)}`);
  writeFileSync(join(workflow, 'workflow.yaml'), withImage);
  return { folder, siteFile, workflow, namespace, server };
}

async function currentContext() {
  if (!process.env.KUBECONFIG) throw new Error(`KUBECONFIG is not set. ${howToSet}`);
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  try {
    config.loadFromDefault();
  } catch (error) {
    throw new Error(`The file of KUBECONFIG cannot be read: ${error.message}. ${howToSet}`);
  }
  const context = config.getContextObject(config.getCurrentContext());
  const cluster = config.getCurrentCluster();
  if (!context || !cluster)
    throw new Error(`The file of KUBECONFIG has no current context that leads to a cluster. ${howToSet}`);
  return { namespace: context.namespace ?? 'default', server: cluster.server };
}
