import { checkRelay } from './relay';
import { streamOf, type HeardEvent, type LoggedEvent } from './violation';

const types = ['RunStarted', 'ExecutionScheduled', 'ExecutionSucceeded', 'RunSucceeded'];
const events = types.map<LoggedEvent>((type, index) => ({
  position: index + 1,
  stream: streamOf('r1'),
  version: index + 1,
  type,
  data: { execution: 'a', attempt: 1 },
  recordedAt: index,
}));
/** As the relay should tell it. */
const heard = events.map<HeardEvent>(({ position, stream, version, type, data }) => {
  return { position, stream, version, type, data: { ...data } };
});
const told = (...versions: number[]) => versions.flatMap((version) => heard[version - 1] ?? []);
const found = (given: readonly HeardEvent[]) =>
  checkRelay(events, given).map(({ category, what }) => `${category}: ${what}`);

describe('the check of what the subscriber was told', () => {
  it('finds nothing in all events in their order, nor in a page that is repeated after a crash', () => {
    expect(found(heard)).toEqual([]);
    expect(found(told(1, 2, 3, 2, 3, 4))).toEqual([]);
  });

  it('finds an event that was never told', () => {
    expect(found(told(1, 2, 3))).toEqual(['lost: the relay did not tell 1 of its 4 events']);
  });

  it('finds a stream of which nothing was told', () => {
    expect(found([])).toEqual(['lost: the relay did not tell 4 of its 4 events']);
  });

  it('finds one that was told before those before it', () => {
    expect(found(told(1, 3, 2, 4))).toEqual(['wrong: the relay told version 3 before version 2']);
  });

  it.each([
    ["after a stream's last", { stream: streamOf('r1'), version: 5 }],
    ['of a stream that the log does not have', { stream: streamOf('r2'), version: 1 }],
  ])('finds a phantom %s', (_name, where) => {
    const phantom = { position: 99, type: 'RunFailed', data: {}, ...where };
    const what = `the relay told version ${where.version} (RunFailed at position 99), which is not there`;
    expect(found([...heard, phantom])).toEqual([`wrong: ${what}`]);
  });

  it.each([
    ['position', { position: 77 }, 'position 3 of version 3, found 77'],
    ['type', { type: 'ExecutionFailed' }, 'type "ExecutionSucceeded" of version 3, found "ExecutionFailed"'],
    ['data', { data: { attempt: 2 } }, 'data {"execution":"a","attempt":1} of version 3, found {"attempt":2}'],
  ])('finds one whose %s is another than in the log', (_field, other, difference) => {
    const altered = heard.map((each) => (each.version === 3 ? { ...each, ...other } : each));
    expect(found(altered)).toEqual([`wrong: expected the relay to tell ${difference}`]);
  });
});
