import { EventEmitter } from 'node:events';
import type { ConfirmChannel, Options } from 'amqplib';
import type { Wire } from '../cloud-events/wire';
import { Publisher } from './publisher';

const target = { exchange: '', routingKey: 'queue' } as const;

describe('Publisher', () => {
  let channel: FakeChannel;
  let publisher: Publisher;
  beforeEach(() => {
    channel = new FakeChannel();
    publisher = new Publisher(60_000);
    publisher.attach(channel.asChannel);
  });
  afterEach(async () => {
    channel.confirmAll();
    await publisher.close();
  });

  it('writes no more than a window of messages without their confirms', () => {
    const published = Array.from({ length: 1_500 }, () => publisher.publish(target, wire('x'), {}));
    expect(channel.written).toHaveLength(1_000);

    channel.emit('ack', { deliveryTag: 600, multiple: true });
    expect(channel.written).toHaveLength(1_500);

    channel.confirmAll();
    return Promise.all(published);
  });

  it('waits while the broker blocks it', async () => {
    publisher.setBlocked(true);
    const published = publisher.publish(target, wire('x'), {});
    expect(channel.written).toEqual([]);

    publisher.setBlocked(false);
    channel.confirmAll();
    await published;
  });

  it('waits while the socket has no room', async () => {
    channel.hasRoom = false;
    const published = [wire('a'), wire('b')].map((each) => publisher.publish(target, each, {}));
    expect(channel.written).toEqual(['a']);

    channel.hasRoom = true;
    channel.emit('drain');
    expect(channel.written).toEqual(['a', 'b']);
    channel.confirmAll();
    await Promise.all(published);
  });

  it('rejects what the broker refuses, and only that', async () => {
    const [first, second, third] = ['a', 'b', 'c'].map((text) => publisher.publish(target, wire(text), {}));

    channel.emit('nack', { deliveryTag: 2, multiple: false });
    channel.emit('ack', { deliveryTag: 3, multiple: true });

    await expect(second).rejects.toMatchObject({ code: 'publish-failed', reason: 'refused', target });
    await Promise.all([first, third]);
  });

  it('sends what was unconfirmed again over the next channel, before what came later', async () => {
    const published = ['a', 'b'].map((text) => publisher.publish(target, wire(text), {}));
    channel.emit('ack', { deliveryTag: 1, multiple: false });
    publisher.detach();
    published.push(publisher.publish(target, wire('c'), {}));

    channel = new FakeChannel();
    publisher.attach(channel.asChannel);

    expect(channel.written).toEqual(['b', 'c']);
    channel.confirmAll();
    await Promise.all(published);
  });

  it('sends nothing again that was to be sent once, and says that it may have arrived', async () => {
    const once = publisher.publish(target, wire('a'), { once: true });
    publisher.detach();
    await expect(once).rejects.toMatchObject({ code: 'publish-failed', reason: 'unconfirmed', target });

    const waiting = publisher.publish(target, wire('b'), { once: true });
    channel = new FakeChannel();
    publisher.attach(channel.asChannel);
    expect(channel.written).toEqual(['b']);
    channel.confirmAll();
    await waiting;
  });

  it('rejects what is not confirmed until its deadline', async () => {
    const hasty = new Publisher(20);
    hasty.attach(channel.asChannel);
    await expect(hasty.publish(target, wire('x'), {})).rejects.toMatchObject({ reason: 'unconfirmed' });
    hasty.detach();
    await expect(hasty.publish(target, wire('x'), {})).rejects.toMatchObject({ reason: 'disconnected' });
  });

  it('refuses to keep more in memory than its bound', async () => {
    publisher.detach();
    const large: Wire = { ...wire(''), content: Buffer.alloc(4 * 1024 * 1024) };
    const published = Array.from({ length: 16 }, () => publisher.publish(target, large, {}));

    await expect(publisher.publish(target, wire('one more'), {})).rejects.toMatchObject({ reason: 'overflow' });

    publisher.attach(channel.asChannel);
    channel.confirmAll();
    await Promise.all(published);
  });
});

function wire(text: string): Wire {
  return { contentType: 'application/json', headers: {}, content: Buffer.from(text) };
}

/** Stands for a channel where a real broker cannot be made to say what the test needs. */
class FakeChannel extends EventEmitter {
  readonly written: string[] = [];
  hasRoom = true;

  get asChannel(): ConfirmChannel {
    return this as unknown as ConfirmChannel;
  }

  publish(_exchange: string, _routingKey: string, content: Buffer, _options: Options.Publish): boolean {
    this.written.push(content.toString());
    return this.hasRoom;
  }

  confirmAll(): void {
    this.emit('ack', { deliveryTag: this.written.length, multiple: true });
  }
}
