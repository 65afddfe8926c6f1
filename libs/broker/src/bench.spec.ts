import { Log } from '@ryax/platform';
import type { Message } from '@ryax/contracts';
import { createTestBroker } from '@ryax/testing';
import { openBroker } from './open-broker';
import { InMemoryServer } from './memory/in-memory-server';
import type { Broker } from './broker';

const report = (i: number): Message => ({
  id: `id-${i}`,
  type: 'execution.report',
  source: 'ryax/executor/e1',
  subject: 'run:default:r1',
  project: 'default',
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  data: {
    report: 'ended',
    run_id: 'r1',
    execution: `fit.${i}`,
    attempt: 1,
    executor: 'e1',
    incarnation: 'i1',
    outcome: { status: 'succeeded', outputs: { value: 1.5, name: 'abc', list: [1, 2, 3] } },
    duration_ms: 12,
  },
});

test.each(['memory', 'amqp', 'quorum'])(
  '%s',
  async (kind) => {
    const log = new Log({ service: 't', write: () => undefined });
    const host =
      kind === 'amqp'
        ? await createTestBroker()
        : kind === 'quorum'
          ? { url: process.env.RYAX_TEST_BROKER + '/qq', drop: () => Promise.resolve() }
          : undefined;
    const server = new InMemoryServer();
    const open = () => openBroker({ url: host?.url ?? 'memory://', name: 't', log, server });
    const [a, b] = [open(), open()];
    const tp = (n: string) => ({ exchange: 'ryax.runner', routingKey: n }) as const;
    const q = (n: string) => ({ name: n, kind: 'partition', bindings: [tp(n)] }) as const;
    for (const x of [a, b]) await x.declare([q('there'), q('back')]);
    // b echoes
    const echo = async (packed: boolean) =>
      b.consume('there', { prefetch: 1000, maxBatch: 500 }, async (batch) => {
        if (packed) {
          const [f, ...r] = batch.map((d) => d.message);
          if (f) await b.publish(tp('back'), [f, ...r]);
        } else await Promise.all(batch.map((d) => b.publish(tp('back'), [d.message])));
        for (const d of batch) d.ack();
      });
    let onBack: (n: number) => void = () => undefined;
    await a.consume('back', { prefetch: 1000, maxBatch: 500 }, async (batch) => {
      for (const d of batch) d.ack();
      onBack(batch.length);
    });
    const out: string[] = [];
    const alone = async (n: number, broker: Broker) => {
      const lat: number[] = [];
      for (let i = 0; i < n; i++) {
        const s = performance.now();
        const back = new Promise<void>((r) => (onBack = () => r()));
        await broker.publish(tp('there'), [report(i)]);
        await back;
        lat.push(performance.now() - s);
      }
      lat.sort((x, y) => x - y);
      return `alone p50 ${lat[n >> 1]?.toFixed(3)} p99 ${lat[Math.floor(n * 0.99)]?.toFixed(3)} ms`;
    };
    const flood = async (n: number, inflight: number, pack: number) => {
      let sent = 0,
        got = 0;
      const s = performance.now();
      await new Promise<void>((resolve) => {
        const send = () => {
          while (sent < n && sent - got < inflight) {
            const k = Math.min(pack, n - sent);
            const ms = Array.from({ length: k }, () => report(sent++));
            void a.publish(tp('there'), ms as [Message, ...Message[]]);
          }
        };
        onBack = (c) => {
          got += c;
          if (got >= n) resolve();
          else send();
        };
        send();
      });
      const c = process.cpuUsage(cpu0); return `${Math.round((n / (performance.now() - s)) * 1000)} rt/s, ${((c.user + c.system) / n).toFixed(1)} us CPU (node) a round trip`;
    };
    const sub = await echo(false);
    await alone(200, a);
    out.push(await alone(1000, a));
    const n = kind !== 'memory' ? 10000 : 60000;
    out.push(`100 in flight, single: ${await flood(n, 100, 1)}`, `1000 in flight, single: ${await flood(n, 1000, 1)}`);
    await sub.stop();
    const sub2 = await echo(true);
    out.push(`1000 in flight, packed 50: ${await flood(n * 2, 1000, 50)}`);
    await sub2.stop();
    const c0 = process.cpuUsage();
    out.push(`memory again: ${''}`);
    process.stderr.write(`${kind}\n  ${out.join('\n  ')}\n`);
    
    await a.close();
    await b.close();
    await host?.drop();
  },
  60000,
);
