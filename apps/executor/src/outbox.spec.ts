import { PublishError } from '@ryax/broker';
import { exchanges, limits } from '@ryax/contracts';
import { Log, Owner } from '@ryax/platform';
import { Outbox, type Letter } from './outbox';
import { FakeBroker } from './testing/fake-broker';
import { settle, VirtualTime } from './testing/virtual-time';
import { Timers } from './timers';

const target = { exchange: exchanges.runner.name, routingKey: 'p1' };
const refusal = new PublishError('disconnected', target, 'no connection');

function letter(id: string, overrides: Partial<Letter> = {}): Letter {
  const message = { id, type: 'execution.report', source: '/test', project: 'default', data: {} } as const;
  return { message, bytes: 100, persistent: false, ...overrides };
}

describe('outbox', () => {
  let time: VirtualTime;
  let broker: FakeBroker;
  let outbox: Outbox;
  beforeEach(() => {
    time = new VirtualTime();
    broker = new FakeBroker();
    const log = new Log({ service: 'test', write: () => undefined });
    outbox = new Outbox(broker, new Timers(time, log, time.alarm), new Owner(log), log);
  });
  const packs = () => broker.published.map(({ messages }) => messages.map(({ id }) => id));

  it('packs what one turn brought about into one message for each target', async () => {
    outbox.add(target, letter('a'));
    outbox.add({ ...target, routingKey: 'p2' }, letter('b'));
    outbox.add(target, letter('c'));
    await settle();
    expect(packs()).toEqual([['a', 'c'], ['b']]);
  });

  it('does not wait for the broker to confirm before it sends the next pack', async () => {
    broker.confirms = 'never';
    outbox.add(target, letter('a'));
    await settle();
    outbox.add(target, letter('b'));
    await settle();
    expect(packs()).toEqual([['a'], ['b']]);
    expect(outbox.size).toBe(2);
  });

  it('packs what gathers while many packs are on their way', async () => {
    broker.confirms = 'never';
    for (const id of ['a', 'b', 'c', 'd', 'e', 'f']) {
      outbox.add(target, letter(id));
      await settle();
    }
    expect(packs()).toEqual([['a'], ['b'], ['c'], ['d']]);
    broker.confirm();
    await settle();
    expect(packs().at(-1)).toEqual(['e', 'f']);
  });

  it('keeps what was refused, in order, and sends it after a pause', async () => {
    broker.confirms = refusal;
    outbox.add(target, letter('a'));
    await settle();
    outbox.add(target, letter('b'));
    await settle();
    broker.confirms = 'at-once';
    outbox.add(target, letter('c'));
    await time.advance(5_000);
    expect(packs()).toEqual([['a', 'b', 'c']]);
    expect(outbox.size).toBe(0);
  });

  it('keeps the order when several packs on their way fail', async () => {
    broker.confirms = 'never';
    for (const id of ['a', 'b', 'c']) {
      outbox.add(target, letter(id));
      await settle();
    }
    broker.refuse(refusal);
    await time.advance(5_000);
    expect(packs().at(-1)).toEqual(['a', 'b', 'c']);
  });

  it('sends again at once when the broker is back', async () => {
    broker.confirms = refusal;
    outbox.add(target, letter('a'));
    await settle();
    broker.confirms = 'at-once';
    outbox.hurry();
    await settle();
    expect(packs()).toEqual([['a']]);
  });

  it('bounds a pack in bytes', async () => {
    const bytes = limits.messageBytes / 20;
    for (const id of ['a', 'b', 'c', 'd', 'e']) outbox.add(target, letter(id, { bytes }));
    await settle();
    expect(packs()).toEqual([['a', 'b'], ['c', 'd'], ['e']]);
  });

  it('sends alone what is larger than a pack', async () => {
    outbox.add(target, letter('a', { bytes: limits.messageBytes }));
    outbox.add(target, letter('b'));
    await settle();
    expect(packs()).toEqual([['a'], ['b']]);
  });

  it('makes a pack outlive a restart of the broker if anything in it has to', async () => {
    outbox.add(target, letter('a'));
    await settle();
    outbox.add(target, letter('b'));
    outbox.add(target, letter('c', { persistent: true }));
    await settle();
    expect(broker.published.map(({ options }) => options?.persistent)).toEqual([false, true]);
  });

  it('tells when a message was confirmed, and when nothing is left', async () => {
    const confirmed = jest.fn();
    broker.confirms = 'never';
    outbox.add(target, letter('a', { confirmed }));
    const drained = jest.fn();
    const done = outbox.drained().then(drained);
    await settle();
    expect(confirmed).not.toHaveBeenCalled();
    expect(drained).not.toHaveBeenCalled();
    broker.confirm();
    await done;
    expect(confirmed).toHaveBeenCalledTimes(1);
  });
});
