import { Agent as HttpAgent, request as httpRequest, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest, type RequestOptions } from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';
import { messageOf, WrongConfiguration, LinkedSignal, type Clock } from '@ryax/platform';
import type { ApiAnswer } from '../api-answer';

/** One request to the API server, relative to its address. */
export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  /** Sent as JSON. */
  readonly body?: object;
  /** Of a PATCH. */
  readonly contentType?: string;
}

export interface Waiting {
  /** So long it may take to be answered, or, of a stream, to begin and between two of its pieces. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** An answer that is read as it comes: `body` fails when the connection breaks, or nothing has come for too long. */
export interface ApiStream {
  readonly type: 'stream';
  readonly body: IncomingMessage;
}

/** A kubeconfig that leads nowhere. */
export class ClusterConfigError extends WrongConfiguration {
  readonly code = 'cluster_config_invalid';

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ClusterConfigError';
  }
}

/** Credentials are looked at again so often: tokens and certificates are renewed while we run. */
const credentialsForMs = 30_000;
/** For requests that are answered at once. A stream has a connection of its own for as long as it lasts: one for each pod's output. */
const mostConnections = 64;
const keptConnections = 16;

/** By how long their answers take. */
interface Agents {
  readonly short: HttpAgent | HttpsAgent;
  readonly long: HttpAgent | HttpsAgent;
}

interface Credentials {
  readonly options: RequestOptions;
  /** Undefined where the library's own is to be used. */
  readonly agents: Agents | undefined;
  readonly takenAtMs: number;
}

/**
 * Speaks HTTP with the API server, by the credentials of a kubeconfig. Requests are made here rather than by the client library,
 * which can neither bound the silence of a watch nor tell how a log has ended, and gives errors without their headers.
 */
export class ClusterConnection {
  private readonly server: URL;
  private credentials: Promise<Credentials> | undefined;
  private agents: Agents | undefined;
  private agentsFor = '';

  /**
   * By `KUBECONFIG`, `~/.kube/config`, or the service account of the pod that we run in.
   * @throws ClusterConfigError
   */
  static async open(clock: Clock, kubeconfig?: string): Promise<ClusterConnection> {
    // Only executors with pods pay for loading it.
    const { KubeConfig } = await import('@kubernetes/client-node');
    const config = new KubeConfig();
    try {
      if (kubeconfig === undefined) config.loadFromDefault();
      else config.loadFromString(kubeconfig);
    } catch (error) {
      throw new ClusterConfigError(`The kubeconfig cannot be read: ${messageOf(error)}`, { cause: error });
    }
    return new ClusterConnection(config, clock);
  }

  private constructor(
    private readonly config: KubeConfig,
    private readonly clock: Clock,
  ) {
    const address = config.getCurrentCluster()?.server;
    if (address === undefined) throw new ClusterConfigError('The kubeconfig names no cluster as its current one');
    if (isOfNobody(config)) {
      const looked = 'KUBECONFIG is not set, there is no ~/.kube/config, and this is no pod with a service account';
      throw new ClusterConfigError(`Expected a Kubernetes cluster, found none: ${looked}`);
    }
    this.server = new URL(address);
  }

  /** Never rejects: that nothing came is an answer, too. */
  async send(request: ApiRequest, { timeoutMs, signal }: Waiting): Promise<ApiAnswer> {
    const limit = AbortSignal.timeout(timeoutMs);
    const either = new LinkedSignal(limit, ...(signal ? [signal] : []));
    try {
      const response = await this.open(request, 'short', either.signal);
      const body = await textOf(response);
      return { type: 'answer', status: response.statusCode ?? 0, headers: headersOf(response), body };
    } catch (error) {
      return { type: 'none', reason: limit.aborted ? `no answer within ${timeoutMs / 1000} s` : messageOf(error) };
    } finally {
      either.unlink();
    }
  }

  /** An answer other than 200 is read whole. Never rejects; the body of a stream may fail at any time. */
  async stream(request: ApiRequest, { timeoutMs, signal }: Waiting): Promise<ApiStream | ApiAnswer> {
    const beginning = new AbortController();
    const timer = setTimeout(() => beginning.abort(), timeoutMs);
    const either = new LinkedSignal(beginning.signal, ...(signal ? [signal] : []));
    try {
      const response = await this.open(request, 'long', either.signal);
      response.once('close', () => either.unlink());
      if (response.statusCode !== 200) {
        const body = await textOf(response);
        return { type: 'answer', status: response.statusCode ?? 0, headers: headersOf(response), body };
      }
      breakWhenSilent(response, timeoutMs);
      return { type: 'stream', body: response };
    } catch (error) {
      either.unlink();
      const reason = beginning.signal.aborted ? `no answer within ${timeoutMs / 1000} s` : messageOf(error);
      return { type: 'none', reason };
    } finally {
      clearTimeout(timer);
    }
  }

  close(): void {
    this.agents?.short.destroy();
    this.agents?.long.destroy();
  }

  /** A token may have been renewed since it was looked at: who is not let in looks at it again, and asks once more. */
  private async open(request: ApiRequest, length: keyof Agents, signal: AbortSignal): Promise<IncomingMessage> {
    const response = await this.ask(request, length, signal);
    if (response.statusCode !== 401) return response;
    response.resume();
    this.credentials = undefined;
    return this.ask(request, length, signal);
  }

  private async ask(
    { method, path, query, body, contentType }: ApiRequest,
    length: keyof Agents,
    signal: AbortSignal,
  ): Promise<IncomingMessage> {
    const { options, agents } = await this.currentCredentials();
    const { server } = this;
    const text = body === undefined ? undefined : JSON.stringify(body);
    const search = searchOf(query ?? {});
    const full: RequestOptions = {
      ...options,
      agent: agents?.[length] ?? options.agent,
      method,
      host: server.hostname.replace(/^\[|\]$/g, ''),
      port: server.port,
      path: `${server.pathname.replace(/\/$/, '')}${path}${search}`,
      headers: {
        ...(options.headers as OutgoingHttpHeaders | undefined),
        accept: 'application/json',
        ...(text !== undefined && {
          'content-type': contentType ?? 'application/json',
          'content-length': Buffer.byteLength(text),
        }),
      },
      signal,
    };
    const send = server.protocol === 'https:' ? httpsRequest : httpRequest;
    return new Promise((resolve, reject) => {
      send(full, resolve).once('error', reject).end(text);
    });
  }

  private async currentCredentials(): Promise<Credentials> {
    const current = await this.credentials?.catch(() => undefined);
    if (current !== undefined && this.clock.monotonicMs() - current.takenAtMs < credentialsForMs) return current;
    return (this.credentials = this.takeCredentials());
  }

  private async takeCredentials(): Promise<Credentials> {
    const options: RequestOptions = {};
    await this.config.applyToHTTPSOptions(options);
    return { options, agents: this.agentsWith(options), takenAtMs: this.clock.monotonicMs() };
  }

  /** Connections are kept, which the library's agent does not do; where a proxy leads to the cluster only that knows the way. */
  private agentsWith(options: RequestOptions): Agents | undefined {
    if (this.config.getCurrentCluster()?.proxyUrl) return undefined;
    const { ca, cert, key, pfx, passphrase, rejectUnauthorized, servername } = options;
    const tls = { ca, cert, key, pfx, passphrase, rejectUnauthorized, servername };
    const identity = JSON.stringify(Object.values(tls).map(String));
    if (this.agents !== undefined && this.agentsFor === identity) return this.agents;
    const known = Object.fromEntries(Object.entries(tls).filter(([, value]) => value !== undefined));
    const pooling = { keepAlive: true, maxFreeSockets: keptConnections };
    const agent = (maxSockets: number) =>
      this.server.protocol === 'https:'
        ? new HttpsAgent({ ...known, ...pooling, maxSockets })
        : new HttpAgent({ ...pooling, maxSockets });
    this.agentsFor = identity;
    this.agents = { short: agent(mostConnections), long: agent(Infinity) };
    return this.agents;
  }
}

/** The library then takes this machine's port 8080 for one. */
function isOfNobody(config: KubeConfig): boolean {
  return config.getCurrentContext() === 'loaded-context';
}

/** A connection that is half open says nothing for ever. It may be used for another request afterwards. */
function breakWhenSilent(response: IncomingMessage, ms: number): void {
  const { socket } = response;
  const breakUp = () => response.destroy(new Error(`silent for ${ms / 1000} s`));
  socket.setTimeout(ms, breakUp);
  response.once('close', () => socket.setTimeout(0).off('timeout', breakUp));
}

function searchOf(query: NonNullable<ApiRequest['query']>): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) parameters.set(name, value);
  return parameters.size === 0 ? '' : `?${parameters.toString()}`;
}

async function textOf(response: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of response) pieces.push(piece as Buffer);
  return Buffer.concat(pieces).toString('utf8');
}

function headersOf({ headers }: IncomingMessage): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value?.toString()]));
}
