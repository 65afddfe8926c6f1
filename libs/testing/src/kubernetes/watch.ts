import type { IncomingMessage, ServerResponse } from 'node:http';
import { failure, type Status } from './answers';
import { apiVersionOf, type Resource } from './objects';
import { selectorOf, type Matches } from './selectors';
import type { Change, Store } from './store';

/** What is watched; `namespace` undefined is all of them. */
export interface Watched {
  readonly resource: Resource;
  readonly namespace: string | undefined;
  readonly query: URLSearchParams;
}

/** Every watch of a change tells it in the same words: they are made once. */
class Lines {
  private last: { readonly object: object; readonly text: string } | undefined;

  of(type: EventType, object: object): string {
    if (this.last?.object !== object) this.last = { object, text: JSON.stringify(object) };
    return `{"type":"${type}","object":${this.last.text}}\n`;
  }
}

type EventType = 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';

/** All open watches of a server, so that a test can break them. */
export class Watches {
  private readonly open = new Set<Watch>();
  private readonly lines = new Lines();

  constructor(
    private readonly store: Store,
    private readonly bookmarkMs: number,
  ) {}

  get count(): number {
    return this.open.size;
  }

  /** Answers 200 and keeps the response open; throws what a bad selector deserves before that. */
  serve(watched: Watched, request: IncomingMessage, response: ServerResponse): void {
    const watch = new Watch(this.store, watched, response, this.lines);
    this.open.add(watch);
    const bookmarks = setInterval(() => watch.bookmark(), this.bookmarkMs).unref();
    request.socket.once('close', () => watch.end());
    watch.onEnd(() => {
      clearInterval(bookmarks);
      this.open.delete(watch);
    });
    watch.begin();
  }

  /** Resets every open watch in the middle of a line. */
  dropMidLine(): void {
    this.open.forEach((watch) => watch.dropMidLine());
  }

  /** Those that are open now say nothing any more, and are not closed either; new ones work. */
  silence(): void {
    this.open.forEach((watch) => watch.silence());
  }

  /** Sends a bookmark at once to all that asked for some. */
  sendBookmarks(): void {
    this.open.forEach((watch) => watch.bookmark());
  }

  /** Ends all in order, as a server does when it stops. */
  close(): void {
    this.open.forEach((watch) => watch.end());
  }
}

class Watch {
  private readonly matches: Matches;
  private readonly wantsBookmarks: boolean;
  private readonly ending: (() => void)[] = [];
  private sent: number;
  private isEnded = false;
  private isSilent = false;

  constructor(
    private readonly store: Store,
    private readonly watched: Watched,
    private readonly response: ServerResponse,
    private readonly lines: Lines,
  ) {
    const { query } = watched;
    this.matches = selectorOf(query);
    this.wantsBookmarks = isTrue(query.get('allowWatchBookmarks'));
    this.sent = Number(query.get('resourceVersion') ?? '0');
  }

  onEnd(listener: () => void): void {
    this.ending.push(listener);
  }

  begin(): void {
    const { response, store } = this;
    const { query } = this.watched;
    response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-cache, private' });
    response.flushHeaders();
    const isInitial = this.sent === 0 || isTrue(query.get('sendInitialEvents'));
    if (!isInitial && this.sent < store.oldestVersion) {
      this.send('ERROR', tooOld(this.sent, store.oldestVersion));
      this.end();
      return;
    }
    if (isInitial) this.sendInitial(isTrue(query.get('sendInitialEvents')));
    else store.changesAfter(this.sent).forEach((change) => this.pass(change));
    const unsubscribe = store.subscribe((change) => this.pass(change));
    this.onEnd(unsubscribe);
    this.endAfter(Number(query.get('timeoutSeconds') ?? '0') * 1_000);
  }

  bookmark(): void {
    if (this.wantsBookmarks) this.sendBookmark({});
  }

  dropMidLine(): void {
    const line = JSON.stringify({ type: 'MODIFIED', object: this.bookmarkObject({}) });
    this.finish();
    this.response.write(line.slice(0, line.length / 2), () => this.response.socket?.resetAndDestroy());
  }

  silence(): void {
    this.isSilent = true;
  }

  /** A silent one is left open: that is the point of it. */
  end(): void {
    if (this.isEnded) return;
    this.finish();
    this.response.end();
  }

  private finish(): void {
    this.isEnded = true;
    this.ending.forEach((listener) => listener());
  }

  private endAfter(ms: number): void {
    if (ms <= 0) return;
    const timer = setTimeout(() => {
      if (this.isSilent) return;
      this.bookmark();
      this.end();
    }, ms);
    this.onEnd(() => clearTimeout(timer));
  }

  private sendInitial(isMarked: boolean): void {
    const { resource, namespace } = this.watched;
    this.store
      .list(resource, namespace)
      .filter(this.matches)
      .forEach((object) => this.send('ADDED', object));
    this.sent = this.store.version;
    if (isMarked) this.sendBookmark({ annotations: { 'k8s.io/initial-events-end': 'true' } });
  }

  /** A watch from a version that is still to come is silent until then. */
  private pass(change: Change): void {
    if (change.version <= this.sent) return;
    this.sent = change.version;
    const { resource, namespace } = this.watched;
    if (change.resource !== resource) return;
    if (namespace !== undefined && change.object.metadata.namespace !== namespace) return;
    const type = this.seenAs(change);
    if (type) this.send(type, change.object);
  }

  /** Seen through the selector: what ceases to match is gone, what begins to match is new. */
  private seenAs({ type, object, previous }: Change): EventType | undefined {
    const did = previous !== undefined && this.matches(previous);
    const does = type !== 'DELETED' && this.matches(object);
    if (did) return does ? 'MODIFIED' : 'DELETED';
    return does ? 'ADDED' : undefined;
  }

  private sendBookmark(metadata: object): void {
    this.send('BOOKMARK', this.bookmarkObject(metadata));
  }

  private bookmarkObject(metadata: object): object {
    const { resource } = this.watched;
    const resourceVersion = String(Math.max(this.sent, this.store.version));
    return { kind: resource.kind, apiVersion: apiVersionOf(resource), metadata: { resourceVersion, ...metadata } };
  }

  private send(type: EventType, object: object): void {
    if (this.isEnded || this.isSilent) return;
    this.response.write(this.lines.of(type, object));
  }
}

function tooOld(asked: number, oldest: number): Status {
  return failure(410, 'Expired', `too old resource version: ${asked} (${oldest})`);
}

export function isTrue(value: string | null): boolean {
  return value === 'true' || value === '1';
}
