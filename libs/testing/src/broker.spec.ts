import { connect } from 'amqplib';
import { createTestBroker, useBreakableBroker, useTestBroker } from './broker';
import { useProxy } from './proxy';
import { waitFor } from './wait-for';

describe('useTestBroker', () => {
  const broker = useTestBroker();

  it('gives a virtual host of its own', async () => {
    const other = await createTestBroker();
    const connection = await connect(other.url);
    await (await connection.createChannel()).assertQueue('inbox');

    expect((await other.queues()).map(({ name }) => name)).toEqual(['inbox']);
    expect(await broker.queues()).toEqual([]);

    await connection.close();
    await other.drop();
  });

  it('empties all queues', async () => {
    const connection = await connect(broker.url);
    const channel = await connection.createConfirmChannel();
    await channel.assertQueue('inbox');
    channel.sendToQueue('inbox', Buffer.from('x'));
    await channel.waitForConfirms();
    await waitFor(async () => (await broker.queues())[0]?.messages === 1, { describe: 'one message in the queue' });

    await broker.purgeAllQueues();

    expect(await channel.checkQueue('inbox')).toMatchObject({ messageCount: 0 });
    await connection.close();
  });

  it('closes connections from the side of the broker', async () => {
    const connection = await connect(broker.url);
    connection.on('error', () => undefined);
    const closed = new Promise((resolve) => connection.once('close', resolve));
    await broker.closeAllConnections();
    await closed;
  });
});

describe('useBreakableBroker', () => {
  const broker = useBreakableBroker();

  it('keeps persistent messages over a restart, and its address', async () => {
    const { url } = broker;
    const before = await connect(url);
    before.on('error', () => undefined);
    const channel = await before.createConfirmChannel();
    await channel.assertQueue('durable', { durable: true });
    channel.sendToQueue('durable', Buffer.from('kept'), { persistent: true });
    await channel.waitForConfirms();

    await broker.restart();

    expect(broker.url).toBe(url);
    const after = await connect(url);
    const message = await (await after.createChannel()).get('durable');
    expect(message && message.content.toString()).toBe('kept');
    await after.close();
  }, 120_000);

  it('refuses connections while it is dead', async () => {
    await broker.kill();
    await expect(connect(broker.url)).rejects.toThrow('ECONNREFUSED');
    await broker.start();
    await (await connect(broker.url)).close();
  }, 120_000);
});

describe('useProxy', () => {
  const broker = useTestBroker();
  const proxy = useProxy(() => broker.url);

  it('breaks a connection that the broker would have kept', async () => {
    const connection = await connect(proxy.url);
    const broken = new Promise((resolve) => connection.once('error', resolve));
    proxy.cut();
    await broken;
  });

  it('holds back what is sent while it is frozen', async () => {
    const connection = await connect(proxy.url);
    const channel = await connection.createChannel();
    proxy.freeze();
    let answered = false;
    const asserted = channel.assertQueue('q').then(() => (answered = true));
    const direct = await connect(broker.url);
    await (await direct.createChannel()).assertQueue('other');
    expect(answered).toBe(false);

    proxy.thaw();

    await asserted;
    await connection.close();
    await direct.close();
  });

  it('lets nobody through while it is closed', async () => {
    const { url } = proxy;
    await proxy.close();
    await expect(connect(url)).rejects.toThrow('ECONNREFUSED');
    await proxy.open();
    expect(proxy.url).toBe(url);
    await (await connect(url)).close();
  });
});
