import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Clock } from '@ryax/platform';
import { ClusterConnection } from '../../apps/executor/src/kubernetes';
import { checkCluster } from './preflight';

const status = (code: number, reason: string, message: string, details = {}) =>
  ({ kind: 'Status', status: 'Failure', code, reason, message, details }) as const;
const emptyList = { kind: 'PodList', items: [] };

describe('a cluster that specs are to use', () => {
  let server: Server;
  let connection: ClusterConnection;
  let answers: Readonly<Record<string, readonly [number, object]>>;
  /** Given once each, before all others. */
  let passing: (readonly [number, string])[];
  let ahead: number;
  let warnings: string[];

  beforeEach(async () => {
    ahead = 0;
    passing = [];
    warnings = [];
    server = createServer(({ url = '' }, response) => answer(url, response));
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const { port } = server.address() as AddressInfo;
    connection = await ClusterConnection.open(new Clock(), kubeconfig(port));
  });
  afterEach(async () => {
    connection.close();
    await new Promise((closed) => server.close(closed));
  });

  function answer(url: string, response: ServerResponse): void {
    const [early, text] = passing.shift() ?? [];
    if (early !== undefined) return void response.writeHead(early, { 'content-type': 'text/plain' }).end(text);
    const [, [code, body] = [500, {}]] = Object.entries(answers).find(([part]) => url.includes(part)) ?? [];
    response.setHeader('date', new Date(Date.now() + ahead).toUTCString());
    response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  }
  const check = () => checkCluster(connection, 'runs', (text) => warnings.push(text));

  it('is used where pods can be listed, whether or not service accounts can be read', async () => {
    answers = { '/pods?limit=1': [200, emptyList], '/serviceaccounts/default': [403, status(403, 'Forbidden', 'no')] };
    await expect(check()).resolves.toBeUndefined();
    answers = { '/pods?limit=1': [200, emptyList], '/serviceaccounts/default': [200, { kind: 'ServiceAccount' }] };
    await expect(check()).resolves.toBeUndefined();
    expect(warnings).toEqual([]);
  });

  it('is used where it was busy, or about to come up, when it was asked first', async () => {
    passing = [
      [429, 'Too many requests, please try again later.'],
      [503, 'apiserver not ready'],
    ];
    answers = { '/pods?limit=1': [200, emptyList], '/serviceaccounts/default': [200, { kind: 'ServiceAccount' }] };
    await expect(check()).resolves.toBeUndefined();
    expect(passing).toEqual([]);
    expect(warnings).toEqual([]);
  });

  it('says that it does not know us, and where to look', async () => {
    answers = { '/pods': [401, status(401, 'Unauthorized', 'Unauthorized')] };
    await expect(check()).rejects.toThrow(/status 401.*Unauthorized.*Check the credentials.*KUBECONFIG/);
  });

  it('says which right it has not given, in its own words', async () => {
    const words = 'pods is forbidden: User "ann" cannot list resource "pods" in API group "" in the namespace "runs"';
    answers = { '/pods': [403, status(403, 'Forbidden', words)] };
    await expect(check()).rejects.toThrow(/status 403.*User "ann" cannot list resource "pods".*which rights/);
  });

  it('says that its namespace is missing, whose pods are an empty list', async () => {
    const missing = status(404, 'NotFound', 'serviceaccounts "default" not found', { kind: 'serviceaccounts' });
    answers = { '/pods': [200, emptyList], '/serviceaccounts/default': [404, missing] };
    await expect(check()).rejects.toThrow(/"runs".*not there.*kubectl create namespace runs/);
  });

  it('that does not answer is said to be out of reach', async () => {
    answers = {};
    const { port } = server.address() as AddressInfo;
    const nobody = await ClusterConnection.open(new Clock(), kubeconfig(port));
    await new Promise((closed) => server.close(closed));
    await expect(checkCluster(nobody, 'runs', () => undefined)).rejects.toThrow(/no answer.*ECONNREFUSED/);
    nobody.close();
  });

  it.each([
    [10_000, /10 s ahead of/],
    [-10_000, /10 s behind/],
  ])('whose clock is %d ms ahead is used, with a warning', async (ms, words) => {
    ahead = ms;
    answers = { '/pods': [200, emptyList], '/serviceaccounts': [200, {}] };
    await check();
    expect(warnings).toEqual([expect.stringMatching(words)]);
  });
});

function kubeconfig(port: number): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster: { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'test', user: { token: 'any' } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    'current-context': 'test',
  });
}
