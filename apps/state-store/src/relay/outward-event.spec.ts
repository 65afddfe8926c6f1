import type { StoredEvent } from '@ryax/event-log';
import { outwardMessage, routingKeyOf } from './outward-event';

describe('routingKeyOf', () => {
  it.each([
    ['RunSucceeded', 'default.run.succeeded'],
    ['RunCancelRequested', 'default.run.cancel-requested'],
    ['ExecutionFailed', 'default.execution.failed'],
    ['ExecutionRetryScheduled', 'default.execution.retry-scheduled'],
    ['WorkflowDeployed', 'default.workflow.deployed'],
    ['ActionPublished', 'default.action.published'],
  ])('publishes %s under %s', (type, key) => {
    expect(routingKeyOf('default', type)).toBe(key);
  });
});

describe('outwardMessage', () => {
  const stored: StoredEvent = {
    position: 7,
    streamId: 'run:default:r1',
    version: 3,
    project: 'default',
    type: 'RunSucceeded',
    schema: 1,
    data: '{"results":{"a":1}}',
    metadata: '{"cause":{"id":"m1","type":"execution.report","traceparent":"00-aa-bb-01"}}',
    recordedAt: Date.UTC(2024, 0, 1),
    hash: 'h',
  };

  it('has the same id whenever it is made, and carries stream, version, position and trace', () => {
    const message = outwardMessage(stored);
    expect(message).toEqual(outwardMessage(stored));
    expect(message).toMatchObject({
      id: 'run:default:r1/3',
      subject: 'run:default:r1',
      time: '2024-01-01T00:00:00.000Z',
      traceparent: '00-aa-bb-01',
      data: { stream: 'run:default:r1', version: 3, position: 7, type: 'RunSucceeded', data: { results: { a: 1 } } },
    });
  });
});
