import { badRequest, continueExpired, tooLargeVersion } from './answers';
import { apiVersionOf, type KubernetesObject, type Resource } from './objects';
import { selectorOf } from './selectors';
import type { Store } from './store';

interface Page {
  readonly version: number;
  readonly rest: readonly KubernetesObject[];
}

const maxPages = 100;

/** Answers lists. What is left of one that was cut at its limit is kept, so that all its pages show the same moment. */
export class Listing {
  private readonly pages = new Map<string, Page>();
  private readonly frozen = new Map<Resource, Page>();
  private lastPage = 0;

  constructor(private readonly store: Store) {}

  /** From now on lists show this moment, as a server whose cache is behind; `thaw` ends it. */
  freeze(resource: Resource): void {
    this.frozen.set(resource, { version: this.store.version, rest: this.store.list(resource) });
  }

  thaw(): void {
    this.frozen.clear();
  }

  /** No list can be continued any more: 410. */
  forgetPages(): void {
    this.pages.clear();
  }

  /** Throws 400, 410 or 504 as a real server does; the 504 is to be held back for three seconds. */
  list(resource: Resource, namespace: string | undefined, query: URLSearchParams): object {
    const token = query.get('continue') ?? '';
    const { version, rest } = token === '' ? this.firstPage(resource, namespace, query) : this.pageOf(token);
    const limit = Number(query.get('limit') ?? '0');
    const items = limit > 0 ? rest.slice(0, limit) : rest;
    const remaining = rest.slice(items.length);
    return {
      kind: `${resource.kind}List`,
      apiVersion: apiVersionOf(resource),
      metadata: {
        resourceVersion: String(version),
        ...(remaining.length > 0 && {
          continue: this.keep({ version, rest: remaining }),
          remainingItemCount: remaining.length,
        }),
      },
      items: items.map(({ kind: _kind, apiVersion: _apiVersion, ...item }) => item),
    };
  }

  private firstPage(resource: Resource, namespace: string | undefined, query: URLSearchParams): Page {
    const { store } = this;
    const asked = Number(query.get('resourceVersion') ?? '0');
    if (asked > store.version) throw tooLargeVersion(asked, store.version);
    const { version, rest } = this.frozen.get(resource) ?? { version: store.version, rest: store.list(resource) };
    const matches = selectorOf(query);
    const isInside = ({ metadata }: KubernetesObject) => namespace === undefined || metadata.namespace === namespace;
    return { version, rest: rest.filter((object) => isInside(object) && matches(object)) };
  }

  private keep(page: Page): string {
    this.lastPage += 1;
    const token = Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: page.version, page: this.lastPage })).toString(
      'base64url',
    );
    this.pages.set(token, page);
    const [oldest] = this.pages.keys();
    if (this.pages.size > maxPages && oldest !== undefined) this.pages.delete(oldest);
    return token;
  }

  private pageOf(token: string): Page {
    const page = this.pages.get(token);
    if (page) return page;
    const text = Buffer.from(token, 'base64url').toString();
    if (text.startsWith('{"v":"meta.k8s.io/v1"')) throw continueExpired();
    throw badRequest(
      `invalid continue token: continue key is not valid: invalid character '${text.slice(0, 1)}' looking for beginning of value`,
    );
  }
}
