import { Agent, request } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';

const patienceMs = 20_000;
const retryMs = 200;
const countFlows =
  "select status, count(*) as runs from sys_invocation where target_service_name = 'flow' group by status";

/** @returns {Promise<import('../lib/workloads.mjs').PeerClient>} */
export async function openClient({ ingress, admin, worker }) {
  const agent = new Agent({ keepAlive: true, maxSockets: 128 });
  const post = (base, path, body) => postJson(agent, new URL(path, base), body);
  return {
    async workerIsReady() {
      await untilAccepted(() => post(admin, '/deployments', { uri: worker, force: true }));
      await untilAccepted(() => post(ingress, '/action/noop', { id: 'warm-up', index: 1 }));
    },
    submit: (run) => post(ingress, `/flow/${run.shape}/send`, run),
    execute: (run) => post(ingress, `/flow/${run.shape}`, run),
    async endedRuns() {
      const { rows } = JSON.parse(await post(admin, '/query', { query: countFlows }));
      return rows.find(({ status }) => status === 'completed')?.runs ?? 0;
    },
    close: async () => agent.destroy(),
  };
}

function postJson(agent, url, body) {
  const headers = { 'content-type': 'application/json', accept: 'application/json' };
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', agent, headers }, (answer) => {
      const chunks = [];
      answer.on('data', (chunk) => chunks.push(chunk));
      answer.once('error', reject);
      answer.once('end', () => {
        const text = Buffer.concat(chunks).toString();
        if (answer.statusCode < 300) resolve(text);
        else reject(new Error(`${url.pathname} was answered with ${answer.statusCode}: ${text}`));
      });
    });
    sent.once('error', reject);
    sent.end(JSON.stringify(body));
  });
}

/** The server takes calls a moment before it can pass them on. */
async function untilAccepted(send) {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    try {
      return await send();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await wait(retryMs);
    }
  }
}
