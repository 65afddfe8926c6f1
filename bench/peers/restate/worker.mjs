// mode `call`: a step is a call to another service, which the server dispatches (the nearer relative of an engine that
// hands steps to executors). mode `run`: a step is ctx.run() inside the flow's handler: journaled, not dispatched.
import * as restate from '@restatedev/restate-sdk';
import { Reporter, target } from '../lib/reporter.mjs';

const report = new Reporter();

const steps = {
  call: (ctx, id, index) => ctx.serviceClient({ name: 'action' }).noop({ id, index }),
  run: (ctx, id, index) => ctx.run('noop', () => report.step(id, index)),
};
const step = steps[target.mode];

const action = restate.service({
  name: 'action',
  handlers: { noop: async (_ctx, { id, index }) => report.step(id, index) },
});

const flow = restate.service({
  name: 'flow',
  handlers: {
    chain: async (ctx, { id, steps: count }) => {
      for (let index = 0; index < count; index += 1) await step(ctx, id, index);
      report.ended(id);
    },
    fan: async (ctx, { id, steps: width }) => {
      await step(ctx, id, 0);
      const all = Array.from({ length: width }, (_, index) => step(ctx, id, index + 1));
      const results = await restate.RestatePromise.all(all);
      if (results.some(({ ok }) => !ok)) throw new restate.TerminalError('A result of the fan is missing');
      await step(ctx, id, width + 1);
      report.ended(id);
    },
  },
});

// The library would print two lines for each run.
const logger = ({ level }, ...message) => {
  if (level === 'error' || level === 'warn') console.error(...message);
};

await restate.serve({ services: [action, flow], port: Number(new URL(target.worker).port), logger });
report.ready();
