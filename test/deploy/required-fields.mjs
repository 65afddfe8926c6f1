// Says what the API requires and a manifest lacks. A process of its own: the models are ES modules only, and Jest on
// Node 20 loads none. Reads a JSON list of manifests from standard input, writes a JSON list of faults.
import { text } from 'node:stream/consumers';
import { Deployment } from 'kubernetes-models/apps/v1';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1';
import { Role, RoleBinding } from 'kubernetes-models/rbac.authorization.k8s.io/v1';
import { Namespace, PersistentVolumeClaim, Pod, Service, ServiceAccount } from 'kubernetes-models/v1';

const ofPods = { Namespace, Role, RoleBinding, ServiceAccount };
const models = { Deployment, PodDisruptionBudget, PersistentVolumeClaim, Pod, Service, ...ofPods };

const faults = JSON.parse(await text(process.stdin)).flatMap((manifest) => {
  const Model = models[manifest.kind];
  if (Model === undefined) return [`${manifest.kind}: no model to check it by`];
  try {
    new Model(manifest).validate();
    return [];
  } catch (error) {
    return [`${manifest.kind} ${manifest.metadata?.name}: ${error.message}`];
  }
});
process.stdout.write(JSON.stringify(faults));
