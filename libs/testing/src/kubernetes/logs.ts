import type { ServerResponse } from 'node:http';
import { badRequest, internalError } from './answers';
import type { LogLine } from './container-log';
import type { ContainerProcess } from './container-process';
import type { Kubelet } from './kubelet';
import type { Container, Pod } from './objects';
import { isTrue } from './watch';

/** Serves container logs; all that are followed can be cut. */
export class Logs {
  private readonly followed = new Set<ServerResponse>();
  private readonly lost = new Set<string>();

  constructor(private readonly kubelet: Kubelet) {}

  get followers(): number {
    return this.followed.size;
  }

  /** Resets every log that is being followed, in the middle of a line. */
  cutMidLine(): void {
    this.followed.forEach((response) => {
      this.followed.delete(response);
      response.write('half of a li', () => response.socket?.resetAndDestroy());
    });
  }

  /** The runtime has lost the files of this pod: 200, and a complaint in the place of the log. */
  lose({ metadata: { uid = '' } }: Pod): void {
    this.lost.add(uid);
  }

  /** Throws 400 or 500 as a real server does; answers 204 for a pod that has no node. */
  serve(pod: Pod, query: URLSearchParams, response: ServerResponse): void {
    const container = containerOf(pod, query.get('container'));
    const headers = { 'content-type': 'text/plain', 'cache-control': 'no-cache, private' };
    if (pod.spec.nodeName === undefined) {
      response.writeHead(204, { 'cache-control': 'no-cache, private' }).end();
      return;
    }
    if (isTrue(query.get('previous'))) {
      throw badRequest(`previous terminated container "${container.name}" in pod "${pod.metadata.name}" not found`);
    }
    if (this.kubelet.nodeOf(pod)?.isLost !== false) throw unreachable(pod, container);
    const process = this.kubelet.processOf(pod, container.name);
    const state = stateOf(pod, container);
    if (this.lost.has(pod.metadata.uid ?? '') || state?.terminated?.reason === 'ContainerStatusUnknown') {
      response.writeHead(200, headers).end(`unable to retrieve container logs for ${process?.id ?? 'containerd://'}`);
      return;
    }
    if (!process && !state?.terminated) {
      throw badRequest(
        `container "${container.name}" in pod "${pod.metadata.name}" is waiting to start: ${waitingFor(state?.waiting?.reason)}`,
      );
    }
    const lines = selectLines(process?.log.read() ?? [], query);
    response.writeHead(200, headers);
    this.send(process, lines, query, response);
  }

  private send(
    process: ContainerProcess | undefined,
    lines: readonly LogLine[],
    query: URLSearchParams,
    response: ServerResponse,
  ): void {
    const format = formatOf(query);
    const limit = Number(query.get('limitBytes') ?? '0');
    const text = lines.map(format).join('');
    if (!process || !isTrue(query.get('follow'))) {
      response.end(limit > 0 ? Buffer.from(text).subarray(0, limit) : text);
      return;
    }
    response.flushHeaders();
    response.write(text);
    this.followed.add(response);
    const stop = process.log.follow({
      onLine: (line) => response.write(format(line)),
      onEnd: () => {
        this.followed.delete(response);
        response.end();
      },
    });
    response.once('close', () => {
      this.followed.delete(response);
      stop();
    });
  }
}

function containerOf({ metadata: { name }, spec }: Pod, asked: string | null): Container {
  const all = [...spec.containers, ...(spec.initContainers ?? [])];
  const [only] = spec.containers;
  if (asked === null || asked === '') {
    if (spec.containers.length === 1 && only) return only;
    const names = spec.containers.map((container) => container.name).join(' ');
    throw badRequest(`a container name must be specified for pod ${name}, choose one of: [${names}]`);
  }
  const found = all.find((container) => container.name === asked);
  if (!found) throw badRequest(`container ${asked} is not valid for pod ${name}`);
  return found;
}

function stateOf({ status }: Pod, { name }: Container) {
  const all = [...(status.containerStatuses ?? []), ...(status.initContainerStatuses ?? [])];
  return all.find((container) => container.name === name)?.state;
}

function waitingFor(reason = 'ContainerCreating'): string {
  return reason === 'ErrImagePull' || reason === 'ImagePullBackOff' ? 'trying and failing to pull image' : reason;
}

function unreachable({ metadata: { namespace, name } }: Pod, container: Container): Error {
  const url = `https://127.0.0.1:10250/containerLogs/${namespace}/${name}/${container.name}`;
  return internalError(`Get "${url}": dial tcp 127.0.0.1:10250: connect: connection refused`);
}

function formatOf(query: URLSearchParams): (line: LogLine) => string {
  return isTrue(query.get('timestamps')) ? ({ time, text }) => `${time} ${text}` : ({ text }) => text;
}

function selectLines(all: readonly LogLine[], query: URLSearchParams): readonly LogLine[] {
  const since = sinceOf(query);
  const lines = since === undefined ? all : all.filter(({ time }) => time >= since);
  const tail = query.get('tailLines');
  if (tail === null) return lines;
  return tail === '0' ? [] : lines.slice(-Number(tail));
}

/** The API server passes whole seconds on to the kubelet: what was written earlier in that second comes again. */
function sinceOf(query: URLSearchParams): string | undefined {
  const time = query.get('sinceTime');
  const seconds = query.get('sinceSeconds');
  if (time !== null) {
    const ms = Date.parse(time);
    if (Number.isNaN(ms)) throw badRequest(`invalid value for sinceTime: "${time}"`);
    return new Date(ms).toISOString().slice(0, 19);
  }
  return seconds === null ? undefined : new Date(Date.now() - Number(seconds) * 1_000).toISOString().slice(0, -1);
}
