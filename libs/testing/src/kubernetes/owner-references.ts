import { pods, secrets, type KubernetesObject } from './objects';
import type { Store } from './store';

/** Removes Secrets whose pod is gone, or never was, as a real cluster's garbage collector does some time later. */
export function removeWithOwners(store: Store): void {
  store.subscribe(({ resource, type, object }) => {
    if (resource === pods && type === 'DELETED') {
      const uid = object.metadata.uid ?? '';
      for (const secret of store.list(secrets, object.metadata.namespace)) {
        if (ownersOf(secret).includes(uid)) removeSoon(store, secret);
      }
    } else if (resource === secrets && type === 'ADDED') {
      const owners = ownersOf(object);
      const present = store.list(pods, object.metadata.namespace).map(({ metadata }) => metadata.uid ?? '');
      if (owners.length > 0 && !owners.some((uid) => present.includes(uid))) removeSoon(store, object);
    }
  });
}

/** Not within the change that is being told: others are to hear of it first. */
function removeSoon(store: Store, { metadata }: KubernetesObject): void {
  setImmediate(() => {
    const found = store.find(secrets, metadata.namespace, metadata.name);
    if (found?.metadata.uid === metadata.uid && found) store.remove(secrets, found);
  });
}

function ownersOf({ metadata }: KubernetesObject): readonly string[] {
  const owners = (metadata as { readonly ownerReferences?: readonly { readonly uid: string }[] }).ownerReferences ?? [];
  return owners.map(({ uid }) => uid);
}
