import { Metrics } from './metrics';

describe('the figures of a service', () => {
  it('has those of alike parts side by side, each name once', async () => {
    const metrics = new Metrics();
    metrics.counter({ name: 'asked_total', help: 'of all' }).inc(3);
    for (const [pool, count] of [
      ['cpu', 1],
      ['gpu', 2],
    ] as const) {
      const part = metrics.part({ pool });
      part
        .counter({ name: 'starts_total', help: 'of a part', labelNames: ['result'] })
        .inc({ result: 'spawned' }, count);
      part.gauge({
        name: 'free',
        help: 'of a part',
        collect() {
          this.set(10 * count);
        },
      });
    }

    const text = await metrics.text();

    expect(text).toContain('asked_total 3');
    expect(text).toContain('starts_total{result="spawned",pool="cpu"} 1');
    expect(text).toContain('starts_total{result="spawned",pool="gpu"} 2');
    expect(text).toContain('free{pool="gpu"} 20');
    expect(text.match(/# TYPE starts_total/g)).toHaveLength(1);
  });

  it('is as ever without parts', async () => {
    const metrics = new Metrics();
    metrics.counter({ name: 'asked_total', help: 'of all' }).inc(3);
    expect(await metrics.text()).toBe(await metrics.registry.metrics());
  });
});
