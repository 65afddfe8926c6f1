import { Log, type LogLevel } from './log';
import { NestLogger } from './nest-logger';

function recording(level?: LogLevel) {
  const lines: unknown[] = [];
  const write = (line: string) => lines.push(JSON.parse(line));
  return { lines, log: new Log({ service: 'runner', write, ...(level ? { level } : {}) }) };
}

describe('Log', () => {
  it('writes one JSON line with time, level, service, message and the ids as fields', () => {
    const { lines, log } = recording();

    log.info('Appended a batch', { run_id: 'r1', events: 12, position: 9_007_199_254_740_993n });

    expect(lines).toEqual([
      {
        time: expect.stringMatching(/^\d{4}-.*Z$/),
        level: 'info',
        service: 'runner',
        message: 'Appended a batch',
        run_id: 'r1',
        events: 12,
        position: '9007199254740993',
      },
    ]);
  });

  it('leaves out what is below its level', () => {
    const { lines, log } = recording('warn');
    log.debug('a');
    log.info('b');
    log.warn('c');
    log.error('d');
    expect(lines).toMatchObject([{ level: 'warn' }, { level: 'error' }]);
  });

  it('describes an error with its code and its cause', () => {
    const { lines, log } = recording();
    const error = Object.assign(new Error('append failed', { cause: new Error('socket closed') }), {
      code: 'conflict',
    });

    log.error('Append failed', { error });

    expect(lines).toMatchObject([
      {
        error: {
          message: 'append failed',
          code: 'conflict',
          stack: expect.any(String),
          cause: { message: 'socket closed' },
        },
      },
    ]);
  });

  it('gives its fields to every line of a child, which may speak for another service', () => {
    const { lines, log } = recording();
    log.child({ service: 'executor', site: 'local' }).info('Started', { attempt: 1 });
    expect(lines).toMatchObject([{ service: 'executor', site: 'local', attempt: 1 }]);
  });

  it('does not let a field hide what was said', () => {
    const { lines, log } = recording();
    log.warn('true', { message: 'false', level: 'info' });
    expect(lines).toMatchObject([{ level: 'warn', message: 'true' }]);
  });

  it('stays silent rather than fail on what JSON cannot hold', () => {
    const { lines, log } = recording();
    const circle: { self?: unknown } = {};
    circle.self = circle;
    log.info('Drew a circle', { circle });
    expect(lines).toMatchObject([{ message: 'Drew a circle', unwritable: expect.stringContaining('circular') }]);
  });
});

describe('NestLogger', () => {
  it("passes the framework's lines on, its chatter as debug", () => {
    const { lines, log } = recording('debug');
    const logger = new NestLogger(log);
    logger.log('RunnerModule dependencies initialized', 'InstanceLoader');
    logger.error('Boom', 'Error: Boom\n at x', 'ExceptionsHandler');
    expect(lines).toMatchObject([
      { level: 'debug', message: 'RunnerModule dependencies initialized', context: 'InstanceLoader' },
      { level: 'error', message: 'Boom', context: 'ExceptionsHandler', details: ['Error: Boom\n at x'] },
    ]);
  });
});
