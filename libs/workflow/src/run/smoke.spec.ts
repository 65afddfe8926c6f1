import { action, computed, expression, group, literal, ref, workflow } from './testing/plan-builder';
import { RunDriver } from './testing/run-driver';
import { describeRun } from './view';

describe('smoke', () => {
  it('runs a chain', () => {
    const plan = workflow({
      actions: [
        action('split'),
        action('fit', { forEach: ref('split.regions'), inputs: { r: ref('item') }, onFailure: 'continue' }),
        action('alarm', { when: computed(['fit'], ({ fit }) => Array.isArray(fit) && fit.includes(null)) }),
        action('report', { after: ['alarm'], inputs: { fits: ref('fit'), s: expression(computed(['state.alarm'], ({ state }) => state ?? null)) } }),
        group('g', { after: ['fit'], forEach: literal([1, 2]), actions: [action('x', { inputs: { i: ref('item') } }), action('y', { inputs: { x: ref('x.v') } })], outputs: { y: ref('y') } }),
      ],
      finally: [action('tidy')],
      results: { fits: ref('fit'), g: ref('g') },
    });
    const run = new RunDriver(plan).start();
    run.run('split', { regions: ['a', 'b', 'c'] });
    run.handOut();
    run.fail('fit.1').succeed('fit.0', { v: 1 }).succeed('fit.2', { v: 2 });
    while (run.ready().length > 0) { run.handOut(); for (const e of run.outstanding()) run.succeed(e, { v: e }); }
    console.log(run.story().join('\n'), JSON.stringify(run.log.at(-1)));
    console.log(JSON.stringify(describeRun(run.state), null, 1).slice(0, 6000));
    expect(run.state.status).toBe('succeeded');
  });
});
