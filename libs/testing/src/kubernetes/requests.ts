import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Admission } from './admission';
import { badRequest, methodNotAllowed, noSuchPath, unsupportedMediaType } from './answers';
import { deleteObject, type DeleteOptions } from './deletion';
import { withEncodedData } from './key-values';
import type { Listing } from './listing';
import type { Logs } from './logs';
import { apiVersionOf, asPod, pods, secrets, type KubernetesObject, type Resource } from './objects';
import { parsePath, type Target } from './paths';
import { selectorOf } from './selectors';
import type { Store } from './store';
import { patchObject, putObject, type Part } from './updates';
import { isTrue, type Watches } from './watch';

export interface ApiRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly contentType: string;
  readonly body: string;
}

/** A whole answer, or one that is written as it comes. */
export type ApiAnswer =
  | { readonly code: number; readonly body: object | string }
  | { readonly stream: (request: IncomingMessage, response: ServerResponse) => void };

export interface ApiParts {
  readonly store: Store;
  readonly admission: Admission;
  readonly listing: Listing;
  readonly watches: Watches;
  readonly logs: Logs;
}

/** What the API server does when nothing goes wrong. Throws Refusal. */
export class Api {
  constructor(private readonly parts: ApiParts) {}

  answer(request: ApiRequest): ApiAnswer {
    if (['/readyz', '/livez', '/healthz'].includes(request.path)) return { code: 200, body: 'ok' };
    if (request.path === '/version') {
      return { code: 200, body: { major: '1', minor: '36', gitVersion: 'v1.36.2', platform: 'test' } };
    }
    const target = parsePath(request.path);
    return target.name === undefined ? this.onCollection(request, target) : this.onObject(request, target, target.name);
  }

  private onCollection({ method, query, ...request }: ApiRequest, target: Target): ApiAnswer {
    const { resource, namespace } = target;
    switch (method) {
      case 'GET':
        if (!isTrue(query.get('watch'))) {
          return { code: 200, body: this.parts.listing.list(resource, namespace, query) };
        }
        selectorOf(query);
        return {
          stream: (incoming, response) => this.parts.watches.serve({ resource, namespace, query }, incoming, response),
        };
      case 'POST':
        return { code: 201, body: this.create(request, target) };
      case 'DELETE':
        return { code: 200, body: this.deleteCollection(request.body, query, target) };
      default:
        throw methodNotAllowed();
    }
  }

  private onObject(request: ApiRequest, target: Target, name: string): ApiAnswer {
    const { method, query, contentType } = request;
    const { resource, namespace, subresource } = target;
    const { store, logs } = this.parts;
    const object = store.get(resource, namespace, name);
    if (resource === pods && subresource === 'log' && method === 'GET') {
      return { stream: (_incoming, response) => logs.serve(asPod(object), query, response) };
    }
    if (subresource !== undefined && subresource !== 'status') throw noSuchPath();
    const part: Part = subresource === 'status' ? 'status' : 'object';
    switch (method) {
      case 'GET':
        return { code: 200, body: object };
      case 'PUT':
        return { code: 200, body: putObject(store, resource, object, parseObject(request, resource), part) };
      case 'PATCH': {
        const patch = { contentType, body: parseJson(request.body, resource), part };
        return { code: 200, body: patchObject(store, resource, object, patch) };
      }
      case 'DELETE':
        return { code: 200, body: deleteObject(store, resource, object, deleteOptions(request.body, query)) };
      default:
        throw methodNotAllowed();
    }
  }

  private create(request: Pick<ApiRequest, 'contentType' | 'body'>, { resource, namespace }: Target): KubernetesObject {
    const given = parseObject(request, resource);
    const { generateName = '', name, namespace: inBody } = given.metadata;
    if (inBody !== undefined && namespace !== undefined && inBody !== namespace) {
      throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
    }
    const object = {
      ...given,
      metadata: {
        ...given.metadata,
        name: name === '' && generateName !== '' ? `${generateName}${randomBytes(3).toString('hex').slice(1)}` : name,
        ...(namespace !== undefined && { namespace }),
      },
    };
    const { store, admission } = this.parts;
    const admitted = admission.admit(resource, resource === secrets ? withEncodedData(object) : object);
    return store.create(resource, admitted);
  }

  private deleteCollection(body: string, query: URLSearchParams, { resource, namespace }: Target): object {
    const { store } = this.parts;
    const options = deleteOptions(body, query);
    const items = store.list(resource, namespace).filter(selectorOf(query));
    items.forEach((object) => deleteObject(store, resource, object, options));
    const metadata = { resourceVersion: String(store.version) };
    return { kind: `${resource.kind}List`, apiVersion: apiVersionOf(resource), metadata, items };
  }
}

function deleteOptions(body: string, query: URLSearchParams): DeleteOptions {
  const given = body === '' ? {} : (parseJson(body) as DeleteOptions);
  const grace = query.get('gracePeriodSeconds');
  return { ...given, ...(grace !== null && { gracePeriodSeconds: Number(grace) }) };
}

function parseObject(
  { contentType, body }: Pick<ApiRequest, 'contentType' | 'body'>,
  resource: Resource,
): KubernetesObject {
  const [type = ''] = contentType.split(';');
  if (!['', 'application/json'].includes(type.trim())) throw unsupportedMediaType();
  const object = parseJson(body, resource) as Partial<KubernetesObject>;
  return { ...object, metadata: { ...object.metadata, name: object.metadata?.name ?? '' } };
}

function parseJson(text: string, resource?: Resource): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw badRequest(
      `the object provided is unrecognized (must be of type ${resource?.kind ?? 'DeleteOptions'}): couldn't get version/kind; json parse error: unexpected end of JSON input (${text})`,
    );
  }
}
