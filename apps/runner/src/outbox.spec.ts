import { PublishError, UnroutableError, type Broker } from '@ryax/broker';
import { limits, type Message, type Start } from '@ryax/contracts';
import { IdSource, Log } from '@ryax/platform';
import { Outbox } from './outbox';

describe('The starts of one executor', () => {
  const sent: string[] = [];
  const undelivered: string[] = [];
  /** Its queue goes once it has taken one broker message. */
  const broker = {
    publish: (target: Parameters<Broker['publish']>[0], messages: readonly Message[]) => {
      if (JSON.stringify(messages).length > limits.messageBytes) {
        return Promise.reject(new PublishError('too-large', target, 'test'));
      }
      if (sent.length > 0) return Promise.reject(new UnroutableError(target));
      sent.push(...messages.map(({ data }) => (data as Start).execution));
      return Promise.resolve();
    },
  } as unknown as Broker;

  it('that follow in another message come back without those that were taken before', async () => {
    const outbox = new Outbox(broker, new IdSource(), new Log({ service: 'test', write: () => undefined }), 'runner/r');
    for (const execution of ['a', 'b', 'c', 'd']) {
      const inputs = { text: 'x'.repeat(limits.messageBytes / 3) };
      const start = { execution, inputs, project: 'default' } as unknown as Start;
      const told = { undelivered: () => undelivered.push(execution), tooLarge: () => undefined };
      outbox.start('e1', { start, since: 0, ...told });
    }

    await outbox.flush();

    expect(sent).toEqual(['a', 'b']);
    expect(undelivered).toEqual(['c', 'd']);
  });
});
