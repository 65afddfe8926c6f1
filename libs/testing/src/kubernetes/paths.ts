import { noSuchPath } from './answers';
import { resources, type Resource } from './objects';

/** What a request is about. */
export interface Target {
  readonly resource: Resource;
  readonly namespace: string | undefined;
  /** Undefined for the collection. */
  readonly name: string | undefined;
  readonly subresource: string | undefined;
}

const pattern =
  /^\/(?:api|apis\/(?<group>[^/]+))\/(?<version>v[^/]+)(?:\/namespaces\/(?<namespace>[^/]+)(?=\/))?\/(?<plural>[^/]+)(?:\/(?<name>[^/]+))?(?:\/(?<subresource>[^/]+))?$/;

/** Throws 404 for a path that leads to nothing here. */
export function parsePath(path: string): Target {
  const groups = pattern.exec(path)?.groups ?? {};
  const { group = '', version, namespace, plural, name, subresource } = groups as Record<string, string | undefined>;
  const resource = resources.find((one) => one.group === group && one.version === version && one.plural === plural);
  if (!resource || (namespace !== undefined && !resource.isNamespaced)) throw noSuchPath();
  return {
    resource,
    namespace: namespace === undefined ? undefined : decodeURIComponent(namespace),
    name: name === undefined ? undefined : decodeURIComponent(name),
    subresource,
  };
}
