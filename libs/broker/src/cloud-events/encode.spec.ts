import { limits, type Message } from '@ryax/contracts';
import { message } from '../conformance/subject';
import { PublishError } from '../errors';
import { decode } from './decode';
import { encode, encodeOne } from './encode';

const target = { exchange: 'ryax.runner', routingKey: 'p0' } as const;

describe('a message as CloudEvent', () => {
  const full: Message = {
    ...message(7, 'id-1'),
    subject: 'run:acme:r1',
    project: 'acme',
    time: '2026-01-01T00:00:00Z',
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  };

  it('carries one message in binary mode', () => {
    const wire = encodeOne(full, target);

    expect(wire.contentType).toBe('application/json');
    expect(wire.headers).toEqual({
      'cloudEvents:specversion': '1.0',
      'cloudEvents:id': 'id-1',
      'cloudEvents:type': 'tech.ryax.log.wake.v1',
      'cloudEvents:source': 'conformance',
      'cloudEvents:subject': 'run:acme:r1',
      'cloudEvents:project': 'acme',
      'cloudEvents:time': '2026-01-01T00:00:00Z',
      traceparent: full.traceparent,
    });
    expect(wire.content.toString()).toBe('{"position":7}');
    expect(decode(wire)).toEqual([{ type: 'message', message: full }]);
  });

  it('carries several messages as one batch', () => {
    const [wire, ...more] = encode([full, message(8)], target);

    expect(more).toEqual([]);
    expect(wire?.contentType).toBe('application/cloudevents-batch+json');
    expect(wire && decode(wire)).toMatchObject([{ message: full }, { message: { data: { position: 8 } } }]);
  });

  describe('in bounds', () => {
    const sized = (bytes: number): Message => ({ ...message(0), type: 'event', data: { text: 'x'.repeat(bytes) } });

    it('splits what does not fit into one broker message, in order', () => {
      const third = Math.floor(limits.messageBytes / 3);
      const messages = [sized(third), sized(third), sized(third), sized(10)] as const;

      const wires = encode([...messages], target);

      expect(wires).toHaveLength(2);
      expect(wires.every(({ content }) => content.length <= limits.messageBytes)).toBe(true);
      expect(wires.flatMap(decode)).toMatchObject(messages.map(({ id }) => ({ message: { id } })));
    });

    it('refuses a message that is too large by itself', () => {
      const large = sized(limits.messageBytes);

      expect(() => encode([large], target)).toThrow(PublishError);
      expect(() => encode([message(1), large], target)).toThrow('too-large');
    });
  });
});
