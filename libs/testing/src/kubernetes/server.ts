import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Admission, type NamespacePolicy } from './admission';
import * as answers from './answers';
import { Refusal, internalError, shuttingDown, unauthorized } from './answers';
import type { Image } from './container-plan';
import { EventRecorder } from './event-recorder';
import { Kubelet } from './kubelet';
import { Listing } from './listing';
import { Logs } from './logs';
import { Misbehaviour } from './misbehaviour';
import { Node, type NodeOptions } from './node';
import { asPod, namespaces, nodes, pods, serviceAccounts, type KubernetesObject, type Pod } from './objects';
import { removeWithOwners } from './owner-references';
import { Reaper } from './reaper';
import { Api, type ApiAnswer } from './requests';
import { StartQueue } from './start-queue';
import { Store } from './store';
import { Watches } from './watch';

export interface KubernetesServerOptions {
  /** `default` beside them. */
  readonly namespaces?: readonly string[];
  /** One, `node1`, by default. */
  readonly nodes?: readonly NodeOptions[];
  /** Entrypoints of images, by their whole name; others have none. */
  readonly images?: Readonly<Record<string, Image>>;
  /** Which images cannot be pulled; by default those that start with `missing/`. */
  readonly isMissing?: (image: string) => boolean;
  /** How long a second of graces, deadlines, back-offs and retries takes; 1,000 by default. */
  readonly secondMs?: number;
  /** How often watches that asked for bookmarks get one; a minute by default. */
  readonly bookmarkMs?: number;
}

/** How many requests there were, by verb and resource, such as `list pods` or `log`. */
export type RequestCounts = Readonly<Record<string, number>>;

/** A Kubernetes API server for tests, whose containers are processes of this machine. See README.md beside it. */
export class KubernetesServer {
  /** What it can be told to answer: `server.misbehaviour.answer(server.answers.quotaConflict('pods'))`. */
  readonly answers = answers;
  readonly store = new Store();
  readonly misbehaviour: Misbehaviour;
  readonly token = randomBytes(16).toString('hex');
  private readonly folder = mkdtempSync(join(tmpdir(), 'kubernetes-'));
  private readonly reaper = new Reaper();
  private readonly admission = new Admission(this.store);
  private readonly listing = new Listing(this.store);
  private readonly watches: Watches;
  private readonly kubelet: Kubelet;
  private readonly api: Api;
  private readonly secondMs: number;
  private readonly http = createServer((request, response) => void this.handle(request, response));
  private readonly sockets = new Set<Socket>();
  private readonly counts = new Map<string, number>();
  private readonly faults: unknown[] = [];
  private isStopping = false;

  /** Listens on a free port of 127.0.0.1; the caller stops it. */
  static async start(options: KubernetesServerOptions = {}): Promise<KubernetesServer> {
    const server = new KubernetesServer(options);
    await server.listen(0);
    return server;
  }

  private constructor(options: KubernetesServerOptions) {
    const { images = {}, isMissing = (image) => image.startsWith('missing/') } = options;
    const { store } = this;
    this.secondMs = options.secondMs ?? 1_000;
    this.watches = new Watches(store, options.bookmarkMs ?? 60_000);
    const places = (options.nodes ?? [{ name: 'node1' }]).map((node) => new Node(node));
    const around = {
      store,
      events: new EventRecorder(store, this.secondMs),
      reaper: this.reaper,
      starts: new StartQueue(),
      secondMs: this.secondMs,
      imageOf: (name: string) => images[name],
      isMissing,
      startDelayMs: () => this.misbehaviour.startDelayMs(),
    };
    this.kubelet = new Kubelet(places, this.folder, around, (error) => this.faults.push(error));
    removeWithOwners(store);
    const logs = new Logs(this.kubelet);
    const { admission, listing, watches, kubelet } = this;
    this.api = new Api({ store, admission, listing, watches, logs });
    const user = 'system:serviceaccount:default:runner';
    const door = {
      isUp: () => this.http.listening,
      goDown: () => this.goDown(),
      comeBack: () => this.comeBack(),
    };
    this.misbehaviour = new Misbehaviour({ store, watches, listing, logs, kubelet, user, door });
    for (const name of new Set(['default', ...(options.namespaces ?? [])])) {
      store.create(namespaces, { metadata: { name }, status: { phase: 'Active' } });
      store.create(serviceAccounts, { metadata: { name: 'default', namespace: name } });
    }
    for (const { name, labels, capacity } of places) {
      store.create(nodes, { metadata: { name, labels }, status: { capacity, allocatable: capacity } });
    }
    this.http.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.once('close', () => this.sockets.delete(socket));
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  private port = 0;

  /** How many watches are open. */
  get openWatches(): number {
    return this.watches.count;
  }

  /** How often what was asked for since the start or the last reset. */
  get requestCounts(): RequestCounts {
    return Object.fromEntries(this.counts);
  }

  resetRequestCounts(): void {
    this.counts.clear();
  }

  /** The text of a kubeconfig file that leads here. */
  kubeconfig(namespace = 'default'): string {
    const cluster = { name: 'test', cluster: { server: this.url, 'insecure-skip-tls-verify': true } };
    const user = { name: 'test', user: { token: this.token } };
    const context = { name: 'test', context: { cluster: 'test', user: 'test', namespace } };
    return JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [cluster],
      users: [user],
      contexts: [context],
      'current-context': 'test',
    });
  }

  setPolicy(namespace: string, policy: NamespacePolicy): void {
    this.admission.setPolicy(namespace, policy);
  }

  pod(namespace: string, name: string): Pod | undefined {
    const found = this.store.find(pods, namespace, name);
    return found && asPod(found);
  }

  /** All pods there are, or those of one namespace. */
  pods(namespace?: string): Pod[] {
    return this.store.list(pods, namespace).map(asPod);
  }

  /** The process of a container, while it runs. */
  pidOf(namespace: string, name: string, container?: string): number | undefined {
    const pod = this.pod(namespace, name);
    const process = pod && this.kubelet.processOf(pod, container ?? pod.spec.containers[0]?.name ?? '');
    return process?.isRunning === true ? process.pid : undefined;
  }

  /** Sends a bookmark at once to the watches that asked for some. */
  sendBookmarks(): void {
    this.watches.sendBookmarks();
  }

  /** Refuses all connections until `comeBack`, on the same port; containers go on. Versions from before are too old then. */
  async goDown(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.http.close(() => resolve()));
    this.sockets.forEach((socket) => socket.resetAndDestroy());
    await closed;
    this.misbehaviour.expireVersions();
  }

  async comeBack(): Promise<void> {
    await this.listen(this.port);
  }

  /** Ends all containers and connections; throws what went wrong within the server itself. */
  async stop(): Promise<void> {
    await this.misbehaviour.stopChaos();
    this.isStopping = true;
    await this.kubelet.stop();
    this.watches.close();
    if (this.http.listening) await this.goDown();
    this.reaper.close();
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    if (this.faults.length > 0) throw new AggregateError(this.faults, 'The test API server has failed');
  }

  private async listen(port: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.http.once('error', reject).listen(port, '127.0.0.1', () => {
        this.http.off('error', reject);
        resolve();
      });
    });
    this.port = (this.http.address() as AddressInfo).port;
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const answer = await this.answer(request, response);
      if (answer === 'lost') request.socket.resetAndDestroy();
      else if ('stream' in answer) answer.stream(request, response);
      else send(response, answer.code, answer.body);
    } catch (error) {
      // Its client has gone, perhaps in the middle of what it sent.
      if (request.socket.destroyed) return;
      const refusal = error instanceof Refusal ? error : internalError(String(error));
      if (refusal !== error) this.faults.push(error);
      if (refusal.code === 504) await wait(3 * this.secondMs, undefined, { ref: false });
      send(response, refusal.code, refusal.body, refusal.headers);
    }
  }

  private async answer(request: IncomingMessage, _response: ServerResponse): Promise<ApiAnswer | 'lost'> {
    const { method = 'GET', url = '/', headers } = request;
    const { pathname: path, searchParams: query } = new URL(url, this.url);
    const body = await readBody(request);
    if (this.isStopping) throw shuttingDown();
    this.count(method, path, query);
    const act = () => {
      if (headers.authorization !== `Bearer ${this.token}`) throw unauthorized();
      return this.api.answer({ method, path, query, contentType: headers['content-type'] ?? '', body });
    };
    let isReplyLost = false;
    for (const fault of this.misbehaviour.requests.take(method, url)) {
      if (fault.kind === 'delay') await wait(fault.ms, undefined, { ref: false });
      else if (fault.kind === 'hold') await fault.when;
      else if (fault.kind === 'answer') throw fault.refusal;
      else if (fault.kind === 'hang-up') return 'lost';
      else if (fault.kind === 'lose-reply') isReplyLost = true;
      else {
        void fault.when.then(act).catch((error: unknown) => {
          if (!(error instanceof Refusal)) this.faults.push(error);
        });
        return 'lost';
      }
    }
    const answer = act();
    return isReplyLost ? 'lost' : answer;
  }

  private count(method: string, path: string, query: URLSearchParams): void {
    const [, plural = '', name, subresource] =
      /^\/apis?(?:\/[^/]+)?\/v1(?:\/namespaces\/[^/]+(?=\/))?\/([^/]+)(?:\/([^/]+))?(?:\/([^/]+))?$/.exec(path) ?? [];
    const isWatch = query.has('watch') && query.get('watch') !== 'false';
    const verbs: Readonly<Record<string, string>> = {
      GET: subresource === 'log' ? 'log' : isWatch ? 'watch' : name === undefined ? 'list' : 'get',
      POST: 'create',
      PUT: 'update',
      PATCH: 'patch',
      DELETE: name === undefined ? 'deletecollection' : 'delete',
    };
    const key = `${verbs[method] ?? method} ${plural}`.trim();
    this.counts.set(key, (this.counts.get(key) ?? 0) + 1);
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

function send(
  response: ServerResponse,
  code: number,
  body: KubernetesObject | object | string,
  headers: Readonly<Record<string, string>> = {},
): void {
  const isText = typeof body === 'string';
  response
    .writeHead(code, {
      'audit-id': randomUUID(),
      'cache-control': 'no-cache, private',
      'content-type': isText ? 'text/plain; charset=utf-8' : 'application/json',
      ...headers,
    })
    .end(isText ? body : JSON.stringify(body));
}
