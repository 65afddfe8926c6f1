import { z } from 'zod';
import { messageSchemas } from '@ryax/contracts';
import { checkMessage } from './cloud-events';
test('zod', () => {
  const a = z.object({
    specversion: z.literal('1.0'),
    id: z.string().min(1).max(512),
    type: z.string(),
    source: z.string().min(1),
    project: z.string().min(1).optional(),
    subject: z.string().optional(),
    time: z.string().optional(),
    traceparent: z.string().optional(),
  });
  const b = z.object({
    specversion: z.literal('1.0'),
    id: z.string(),
    type: z.string(),
    source: z.string(),
    project: z.string().optional(),
    subject: z.string().optional(),
    time: z.string().optional(),
    traceparent: z.string().optional(),
  });
  const ev = {
    specversion: '1.0',
    id: 'x1',
    type: 'tech',
    source: 's',
    project: 'default',
    subject: 'abc',
    traceparent: 't',
  };
  const data = {
    report: 'ended',
    run_id: 'r1',
    execution: `fit.1`,
    attempt: 1,
    executor: 'e1',
    incarnation: 'i1',
    outcome: { status: 'succeeded', outputs: { value: 1.5, name: 'abc', list: [1, 2, 3] } },
    duration_ms: 12,
  };
  const start = {
    run_id: 'r',
    execution: 'e',
    attempt: 1,
    project: 'default',
    workflow_id: 'w',
    action: { type: 'builtin', name: 'noop' },
    inputs: { a: 1 },
    resources: {},
    timeout_ms: null,
    valid_for_ms: 5000,
    reply_partition: 3,
  };
  const time = (name: string, f: () => unknown) => {
    for (let i = 0; i < 20000; i++) f();
    const s = performance.now();
    for (let i = 0; i < 100000; i++) f();
    process.stderr.write(`${name} ${((performance.now() - s) / 100).toFixed(2)} us\n`);
  };
  time('attributes checks', () => a.safeParse(ev));
  time('attributes plain', () => b.safeParse(ev));
  time('report', () => messageSchemas['execution.report'].safeParse(data));
  time('start', () => messageSchemas['execution.start'].safeParse(start));
  time('JSON roundtrip', () => JSON.parse(JSON.stringify(data)));
  time('checkMessage', () =>
    checkMessage({
      id: 'x1',
      type: 'execution.report',
      source: 's',
      project: 'default',
      subject: 'abc',
      traceparent: 't',
      data,
    }),
  );
  time('structuredClone', () => structuredClone(data));
});
