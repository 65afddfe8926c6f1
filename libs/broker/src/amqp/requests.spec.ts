import { EventEmitter } from 'node:events';
import type { Message } from '@ryax/contracts';
import type { Channel, ConsumeMessage, Options } from 'amqplib';
import { decode } from '../cloud-events/decode';
import { Requests } from './requests';

const target = { exchange: 'ryax.queries', routingKey: 'query' } as const;
const other = { exchange: 'ryax.queries', routingKey: 'elsewhere' } as const;

describe(Requests.name, () => {
  let channel: FakeChannel;
  let requests: Requests;

  beforeEach(async () => {
    channel = new FakeChannel();
    requests = new Requests(log);
    await requests.attach(channel as unknown as Channel);
  });
  afterEach(() => {
    requests.close();
    log.error.mockClear();
  });

  const log = { error: jest.fn() };
  const turn = () => new Promise((resolve) => setImmediate(resolve));

  it('sends what is asked of one queue in one turn in one message, and alone what is alone', async () => {
    const asked = [1, 2, 3].map((number) => requests.request(target, question(number), 60_000));
    const alone = requests.request(other, question(4), 60_000);
    await turn();

    expect(channel.published.map(({ routingKey, items }) => [routingKey, items.length])).toEqual([
      ['query', 3],
      ['elsewhere', 1],
    ]);
    expect(channel.published[1]?.options.contentType).toBe('application/json');
    for (const each of [...asked, alone]) void each.catch(() => undefined);
  });

  it('gives each asker its own answer, whichever of them come together and in which order', async () => {
    const asked = [1, 2, 3].map((number) => requests.request(target, question(number), 60_000));
    await turn();
    const [pack] = channel.published;
    const ids = (pack?.items ?? []).map(({ correlationId }) => correlationId ?? '');

    const answerer = new FakeChannel();
    const answering = new Requests(log);
    await answering.attach(answerer as unknown as Channel);
    for (const [index, id] of [...ids.entries()].reverse())
      answering.reply('asker', { correlationId: id, readsPacks: true }, answer(index + 1));
    await turn();
    expect(answerer.published).toHaveLength(1);
    channel.answer(answerer.published[0]);

    expect(await Promise.all(asked.map(async (each) => (await each).data))).toEqual(
      [answer(1), answer(2), answer(3)].map(({ data }) => data),
    );
  });

  it('answers those who do not ask by our attribute each in a message of its own, with their correlation id or without', async () => {
    for (const correlationId of ['c1', 'c2', undefined]) {
      requests.reply('studio', { correlationId, readsPacks: false }, answer(1));
    }
    await turn();
    expect(channel.published.map(({ options }) => [options.contentType, options.correlationId])).toEqual([
      ['application/json', 'c1'],
      ['application/json', 'c2'],
      ['application/json', undefined],
    ]);
  });

  it('puts no more into one message than its reader should have in hand at once', async () => {
    const asked = Array.from({ length: 150 }, (_, number) => requests.request(target, question(number), 60_000));
    await turn();
    expect(channel.published.map(({ items }) => items.length)).toEqual([64, 64, 22]);
    for (const each of asked) void each.catch(() => undefined);
  });

  it('says what answer it could not send, and sends the others', async () => {
    const unfit = { ...answer(1), data: { text: 'x'.repeat(5 * 1024 * 1024) } };
    requests.reply('asker', { correlationId: 'a', readsPacks: true }, unfit);
    requests.reply('asker', { correlationId: 'b', readsPacks: true }, answer(2));
    requests.reply('studio', { correlationId: 'c', readsPacks: false }, unfit);
    await turn();
    expect(channel.published.map(({ options }) => options.correlationId)).toEqual(['b']);
    expect(log.error).toHaveBeenCalledTimes(2);
  });

  it('rejects all that travelled in a message which no queue has taken', async () => {
    const asked = [1, 2].map((number) => requests.request(target, question(number), 60_000));
    await turn();
    channel.giveBack(channel.published[0]);
    for (const each of asked) await expect(each).rejects.toMatchObject({ code: 'unroutable' });
  });

  it('rejects what is too large by itself, and sends the rest', async () => {
    const large = requests.request(target, { ...question(1), data: { text: 'x'.repeat(5 * 1024 * 1024) } }, 60_000);
    const refused = expect(large).rejects.toMatchObject({ reason: 'too-large' });
    const small = requests.request(target, question(2), 60_000);
    await turn();
    await refused;
    expect(channel.published.map(({ items }) => items.length)).toEqual([1]);
    void small.catch(() => undefined);
  });

  it('lets a message expire when the most patient of its askers has given up', async () => {
    const asked = [60_000, 5_000].map((patience, index) => requests.request(target, question(index), patience));
    await turn();
    expect(Number(channel.published[0]?.options.expiration)).toBeGreaterThan(50_000);
    for (const each of asked) void each.catch(() => undefined);
  });

  it('keeps what is asked while there is no connection, and sends it over the next', async () => {
    requests.detach();
    const asked = requests.request(target, question(1), 60_000);
    await turn();
    expect(channel.published).toEqual([]);
    const next = new FakeChannel();
    await requests.attach(next as unknown as Channel);
    expect(next.published).toHaveLength(1);
    void asked.catch(() => undefined);
  });
});

function question(number: number): Message {
  const data = { name: 'engine.settings', parameters: { number } };
  return { id: `q${number}`, type: 'query', source: 'test', project: 'default', data };
}

function answer(number: number): Message {
  const data = { status: 'answered', result: { number } };
  return { id: `a${number}`, type: 'query.reply', source: 'test', project: 'default', data };
}

interface PublishedMessage {
  readonly routingKey: string;
  readonly content: Buffer;
  readonly options: Options.Publish;
  readonly items: ReturnType<typeof decode>;
}

/** What of a channel requests need, with what was published kept. */
class FakeChannel extends EventEmitter {
  readonly published: PublishedMessage[] = [];
  private onReply: (reply: ConsumeMessage) => void = () => undefined;

  consume(_queue: string, onReply: (reply: ConsumeMessage) => void): Promise<void> {
    this.onReply = onReply;
    return Promise.resolve();
  }

  publish(_exchange: string, routingKey: string, content: Buffer, options: Options.Publish): boolean {
    const items = decode({ contentType: String(options.contentType), headers: options.headers ?? {}, content });
    this.published.push({ routingKey, content, options, items });
    return true;
  }

  answer(reply: PublishedMessage | undefined): void {
    this.onReply(this.delivered(reply));
  }

  giveBack(published: PublishedMessage | undefined): void {
    this.emit('return', this.delivered(published));
  }

  private delivered(published: PublishedMessage | undefined): ConsumeMessage {
    if (published === undefined) throw new Error('Expected a published message, found none');
    return { content: published.content, properties: published.options, fields: {} } as unknown as ConsumeMessage;
  }
}
