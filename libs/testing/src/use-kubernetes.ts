import { createRequire } from 'node:module';
import type * as Kubernetes from './kubernetes/server';
import type { KubernetesServer, KubernetesServerOptions } from './kubernetes/server';

export type { KubernetesServer, KubernetesServerOptions } from './kubernetes/server';

/** A test API server, to be stopped by the caller. It is loaded only by those who start one. */
export async function startKubernetes(options?: KubernetesServerOptions): Promise<KubernetesServer> {
  const load = createRequire(__filename);
  const { KubernetesServer: Server } = load('./kubernetes/server') as typeof Kubernetes;
  return Server.start(options);
}

/** A fresh test API server for each test of the calling `describe`; what it holds can be had within a test only. */
export function useKubernetes(options?: KubernetesServerOptions): () => KubernetesServer {
  let server: KubernetesServer | undefined;
  beforeEach(async () => {
    server = await startKubernetes(options);
  });
  afterEach(async () => {
    const stopping = server;
    server = undefined;
    await stopping?.stop();
  });
  return () => {
    if (!server) throw new Error('useKubernetes has nothing yet: use it inside a test or a later beforeEach');
    return server;
  };
}
