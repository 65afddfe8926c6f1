import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { waitFor } from '../../wait-for';
import type { Cause } from '../answers';
import type { ContainerStatus, KubernetesObject, Metadata, Pod } from '../objects';
import type { KubernetesServer } from '../server';
import type { Change } from '../store';

export interface Answer {
  readonly code: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** Throws when the body is not JSON, as a client would. */
  json(): AnswerBody;
}

/** An object, a list or a Status: a spec knows which it has asked for. */
export interface AnswerBody extends KubernetesObject {
  readonly metadata: Metadata & {
    readonly resourceVersion: string;
    readonly continue?: string;
    readonly remainingItemCount?: number;
  };
  readonly items: readonly (KubernetesObject & { readonly message?: string })[];
  readonly spec: Readonly<Record<string, unknown>>;
  readonly code: number;
  readonly reason: string;
  readonly message: string;
  readonly details: { readonly causes: readonly Cause[] };
}

export interface Asked {
  readonly body?: unknown;
  readonly contentType?: string;
  readonly token?: string;
}

/** One request without a client library: what the server says, as it says it. Rejects when the connection is lost. */
export async function ask(server: KubernetesServer, method: string, path: string, asked: Asked = {}): Promise<Answer> {
  const response = await open(server, method, path, asked);
  const text = await read(response);
  return {
    code: response.statusCode ?? 0,
    headers: response.headers,
    text,
    json: () => JSON.parse(text) as AnswerBody,
  };
}

function open(server: KubernetesServer, method: string, path: string, asked: Asked): Promise<IncomingMessage> {
  const { body, contentType = 'application/json', token = server.token } = asked;
  const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const request = httpRequest(server.url + path, {
      method,
      agent: false,
      headers: {
        authorization: `Bearer ${token}`,
        'content-length': Buffer.byteLength(text),
        ...(text !== '' && { 'content-type': contentType }),
      },
    });
    request.once('response', resolve).once('error', reject);
    request.end(text);
  });
}

async function read(response: IncomingMessage): Promise<string> {
  let text = '';
  response.setEncoding('utf8');
  for await (const chunk of response) text += chunk as string;
  return text;
}

export interface WatchEvent {
  readonly type: string;
  readonly object: AnswerBody;
}

export interface Stream {
  readonly code: number;
  /** All that has come so far. */
  readonly text: string;
  /** The whole lines of it, parsed. */
  readonly events: readonly WatchEvent[];
  /** `open`, ended in order, or broken. */
  readonly state: 'open' | 'ended' | 'broken';
  close(): void;
}

/** A watch or a followed log. */
export async function openStream(server: KubernetesServer, path: string): Promise<Stream> {
  const response = await open(server, 'GET', path, {});
  let text = '';
  let state: Stream['state'] = 'open';
  response.setEncoding('utf8');
  response.on('data', (chunk: string) => (text += chunk));
  response.on('end', () => (state = 'ended'));
  response.on('error', () => (state = 'broken'));
  return {
    code: response.statusCode ?? 0,
    get text() {
      return text;
    },
    get events() {
      const lines = text.split('\n').slice(0, -1);
      return lines.map((line) => JSON.parse(line) as WatchEvent);
    },
    get state() {
      return state;
    },
    close: () => response.destroy(),
  };
}

export const podsPath = '/api/v1/namespaces/default/pods';

/** A pod with one container `main` that runs this in a shell. */
export function shellPod(name: string, script: string, { spec = {}, container = {}, labels = {} } = {}): object {
  const main = { name: 'main', image: 'busybox:1', command: ['sh', '-c', script], ...container };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels },
    spec: { restartPolicy: 'Never', containers: [main], ...spec },
  };
}

export async function createPod(server: KubernetesServer, pod: object): Promise<void> {
  const answer = await ask(server, 'POST', podsPath, { body: pod });
  if (answer.code !== 201) throw new Error(`Expected the pod to be created, found ${answer.text}`);
}

export async function waitForPhase(server: KubernetesServer, name: string, phase: string): Promise<Pod> {
  return waitFor(
    () => {
      const pod = server.pod('default', name);
      return pod?.status.phase === phase && pod;
    },
    { describe: () => `pod ${name} to be ${phase}: ${JSON.stringify(server.pod('default', name)?.status)}` },
  );
}

/** All statuses of a pod from now on, in the words of `recorded/sequences.txt`. */
export function recordSequence(server: KubernetesServer, name: string): { readonly lines: readonly string[] } {
  const lines: string[] = [];
  server.store.subscribe((change) => {
    if (change.resource.plural !== 'pods' || change.object.metadata.name !== name) return;
    const line = describeChange(change);
    if (lines.at(-1) !== line) lines.push(line);
  });
  return { lines };
}

export function describeChange({ type, object }: Pick<Change, 'type' | 'object'>): string {
  const { status, metadata } = object as Pod;
  const containers = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])];
  const scheduled = status.conditions?.find((one) => one.type === 'PodScheduled');
  return [
    type.slice(0, 1),
    status.reason === undefined ? status.phase : `${status.phase}/${status.reason}`,
    `[${containers.map(describeContainer).join(', ')}]`,
    ...(scheduled?.status === 'False' ? [`PodScheduled=False/${scheduled.reason}`] : []),
    ...(metadata.deletionTimestamp === undefined ? [] : [`deleting(grace ${metadata.deletionGracePeriodSeconds})`]),
  ].join(' ');
}

function describeContainer({ name, state: { waiting, terminated } }: ContainerStatus): string {
  if (waiting) return `${name}=waiting:${waiting.reason}`;
  return terminated ? `${name}=terminated:${terminated.reason}:${terminated.exitCode}` : `${name}=running`;
}

export function recorded(file: string): string {
  return readFileSync(join(__dirname, '..', 'recorded', file), 'utf8');
}

export function recordedAnswer(name: string): AnswerBody {
  return JSON.parse(recorded(`errors/${name}.body`)) as AnswerBody;
}

/** What a real pod of that name went through. */
export function recordedSequence(name: string): string[] {
  const [, block = ''] = new RegExp(`^${name}:\\n((?: {4}.*\\n?)*)`, 'm').exec(recorded('sequences.txt')) ?? [];
  return block
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}
