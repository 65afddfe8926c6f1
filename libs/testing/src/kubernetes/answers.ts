import type { Resource } from './objects';

export interface Cause {
  readonly reason: string;
  readonly message: string;
  readonly field?: string;
}

/** The body of an answer that is not an object: what a real API server says when it refuses. */
export interface Status {
  readonly kind: 'Status';
  readonly apiVersion: 'v1';
  readonly metadata: Record<string, never>;
  readonly status: 'Failure' | 'Success';
  readonly message?: string;
  readonly reason?: string;
  readonly details?: {
    readonly name?: string;
    readonly group?: string;
    readonly kind?: string;
    readonly uid?: string;
    readonly causes?: readonly Cause[];
    readonly retryAfterSeconds?: number;
  };
  readonly code?: number;
}

/** Ends the handling of a request with this answer. A `body` of text goes out as text/plain. */
export class Refusal extends Error {
  constructor(
    readonly code: number,
    readonly body: Status | string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(typeof body === 'string' ? body : body.message);
    this.name = 'Refusal';
  }
}

function refuse(code: number, reason: string, message: string, details?: Status['details']): Refusal {
  return new Refusal(code, failure(code, reason, message, details));
}

export function failure(code: number, reason: string, message: string, details?: Status['details']): Status {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason,
    ...(details && { details }),
    code,
  };
}

export function success(resource: Resource, name: string, uid: string | undefined): Status {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: { ...named(resource, name), ...(uid !== undefined && { uid }) },
  };
}

export const badRequest = (message: string) => refuse(400, 'BadRequest', message);

export const unauthorized = () => refuse(401, 'Unauthorized', 'Unauthorized');

export const notFound = (resource: Resource, name: string) =>
  refuse(404, 'NotFound', `${qualified(resource)} "${name}" not found`, named(resource, name));

export const noSuchPath = () => new Refusal(404, '404 page not found\n');

export const methodNotAllowed = () =>
  refuse(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource', {});

export const alreadyExists = (resource: Resource, name: string) =>
  refuse(409, 'AlreadyExists', `${qualified(resource)} "${name}" already exists`, named(resource, name));

/** The same reason as `alreadyExists`, but to be waited for: only the message tells. */
export const isBeingDeleted = (resource: Resource, name: string) =>
  refuse(
    409,
    'AlreadyExists',
    `object is being deleted: ${qualified(resource)} "${name}" already exists`,
    named(resource, name),
  );

export const modifiedMeanwhile = (resource: Resource, name: string) =>
  refuse(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${qualified(resource)} "${name}": the object has been modified; please apply your changes to the latest version and try again`,
    named(resource, name),
  );

export const otherUid = ({ kind }: Resource, name: string, asked: string, found: string) =>
  refuse(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${kind} "${name}": the UID in the precondition (${asked}) does not match the UID in record (${found}). The object might have been deleted and then recreated`,
    { name, kind },
  );

export const otherVersion = ({ kind }: Resource, name: string, asked: string, found: string) =>
  refuse(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${kind} "${name}": the ResourceVersion in the precondition (${asked}) does not match the ResourceVersion in record (${found}). The object might have been modified`,
    { name, kind },
  );

/** Of a PUT; a deletion has `otherUid`. */
export const otherObject = (resource: Resource, name: string, asked: string, found: string) =>
  refuse(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${qualified(resource)} "${name}": StorageError: invalid object, Code: 4, Key: /registry/${resource.plural}/${name}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: ${asked}, UID in object meta: ${found}`,
    named(resource, name),
  );

/** A JSON patch that does not apply, a `test` in it that fails: nothing says which step. */
export const unprocessable = () =>
  refuse(422, 'Invalid', 'the server rejected our request due to an error in our request', {});

/** What several API servers over one quota answer now and then; to be tried again. */
export const quotaConflict = (quota: string) =>
  refuse(
    409,
    'Conflict',
    `Operation cannot be fulfilled on resourcequotas "${quota}": the object has been modified; please apply your changes to the latest version and try again`,
    { name: quota, kind: 'resourcequotas' },
  );

/** Quota, limits, rights, a namespace that ends: all of them `Forbidden`, told apart by their message only. */
export const forbidden = (resource: Resource, name: string, why: string, causes?: readonly Cause[]) =>
  refuse(403, 'Forbidden', `${qualified(resource)} "${name}" is forbidden: ${why}`, {
    ...named(resource, name),
    ...(causes && { causes }),
  });

export const exceededQuota = (resource: Resource, name: string, quota: string, used: number, limit: number) =>
  forbidden(resource, name, `exceeded quota: ${quota}, requested: pods=1, used: pods=${used}, limited: pods=${limit}`);

export const aboveLimitRange = (resource: Resource, name: string, maximum: string, asked: string) =>
  forbidden(resource, name, `maximum memory usage per Container is ${maximum}, but limit is ${asked}`);

export const namespaceTerminating = (resource: Resource, name: string, namespace: string) =>
  forbidden(resource, name, `unable to create new content in namespace ${namespace} because it is being terminated`, [
    {
      reason: 'NamespaceTerminating',
      message: `namespace ${namespace} is being terminated`,
      field: 'metadata.namespace',
    },
  ]);

export const noSuchServiceAccount = (resource: Resource, name: string, namespace: string, account: string) =>
  forbidden(
    resource,
    name,
    `error looking up service account ${namespace}/${account}: serviceaccount "${account}" not found`,
  );

/** A role is missing: `verb` as in RBAC (`list`, `create`, …). */
export const notAllowed = (user: string, verb: string, resource: Resource, namespace: string) =>
  refuse(
    403,
    'Forbidden',
    `${qualified(resource)} is forbidden: User "${user}" cannot ${verb} resource "${resource.plural}" in API group "${resource.group}" in the namespace "${namespace}"`,
    { ...(resource.group !== '' && { group: resource.group }), kind: resource.plural },
  );

export const unsupportedMediaType = () => refuse(415, 'UnsupportedMediaType', '415: Unsupported Media Type', {});

export function invalid({ kind }: Resource, name: string, causes: readonly Required<Cause>[]): Refusal {
  const all = causes.map(({ field, message }) => `${field}: ${message}`);
  const list = all.length === 1 ? all.join('') : `[${all.join(', ')}]`;
  return refuse(422, 'Invalid', `${kind} "${name}" is invalid: ${list}`, { name, kind, causes });
}

/** Priority and fairness, before anything has been read of the request: not JSON. */
export const tooManyRequests = () =>
  new Refusal(429, 'Too many requests, please try again later.\n', {
    'retry-after': '1',
    'x-content-type-options': 'nosniff',
  });

export const internalError = (message = 'Internal error occurred: etcdserver: request timed out') =>
  refuse(500, 'InternalError', message, { causes: [{ reason: 'InternalError', message }] });

export const shuttingDown = () =>
  new Refusal(503, 'apiserver is shutting down.\n', { 'retry-after': '5', connection: 'close' });

export const tooLargeVersion = (asked: number, current: number) =>
  new Refusal(
    504,
    failure(504, 'Timeout', `Timeout: Too large resource version: ${asked}, current: ${current}`, {
      causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
      retryAfterSeconds: 1,
    }),
    { 'retry-after': '1' },
  );

export const continueExpired = () =>
  refuse(
    410,
    'Expired',
    'The provided continue parameter is too old to display a consistent list result. You must start a new list without the continue parameter.',
  );

function named({ group, plural }: Resource, name: string) {
  return { name, ...(group !== '' && { group }), kind: plural };
}

function qualified({ group, plural }: Resource): string {
  return group === '' ? plural : `${plural}.${group}`;
}
