import { InMemoryBroker, InMemoryServer } from '@ryax/broker';
import { exchanges, routingKeys, type DataOf, type Message, type MessageType } from '@ryax/contracts';
import type { Member, MemberBeat } from '@ryax/event-log';
import { Clock, IdSource, Log } from '@ryax/platform';
import { waitFor } from '@ryax/testing';
import { ExecutorBeats } from './executor-beats';
import { ExecutorRegistry } from './executors';
import { memberOf } from './testing/world';
import { alone } from './testing/alone';

const log = new Log({ service: 'test', write: () => undefined });
const minuteMs = 60_000;

describe('ExecutorBeats', () => {
  let broker: InMemoryBroker;
  let executors: ExecutorRegistry;
  let written: MemberBeat[];
  let stop: () => Promise<void>;

  beforeEach(() => {
    broker = new InMemoryBroker({ server: new InMemoryServer({ strict: true }), log });
    executors = new ExecutorRegistry({ patienceMs: 10_000, maxGapMs: 2_000 }, alone);
    written = [];
  });
  afterEach(async () => {
    await stop();
    await broker.close();
  });

  /** @param rows with the age of their last beat */
  async function listen(...rows: readonly { readonly member: Member; readonly ageMs: number }[]): Promise<void> {
    const members = {
      live: (withinMs: number) =>
        Promise.resolve(rows.filter(({ ageMs }) => ageMs < withinMs).map(({ member }) => member)),
      beat: (beat: MemberBeat) => Promise.resolve(void written.push(beat)),
    };
    const options = { incarnation: 'runner' };
    const beats = new ExecutorBeats(
      broker,
      members,
      executors,
      new Clock(),
      new IdSource(),
      log,
      options,
      () => undefined,
    );
    stop = await beats.start();
  }

  async function publish(...messages: readonly [Message, ...Message[]]): Promise<void> {
    await broker.publish({ exchange: exchanges.executions.name, routingKey: routingKeys.beat }, messages);
    await waitFor(() => written.length > 0, { describe: 'the beat to be written' });
  }

  it('writes with a beat what kind of executor it is of, as it has said before', async () => {
    await listen();
    await publish(traits(true), beat());
    expect(written).toMatchObject([{ incarnation: 'e1', keepsWork: true }]);
    expect(executors.keepsWork('local')).toBe(true);
  });

  it('writes that it keeps no work of an executor that says nothing, or no', async () => {
    await listen();
    await publish(beat(), traits(false), beat());
    await waitFor(() => written.length === 2);
    expect(written.map(({ keepsWork }) => keepsWork)).toEqual([false, false]);
    expect(executors.keepsWork('local')).toBe(false);
  });

  it('goes by the row of an executor whose traits it has not heard', async () => {
    await listen({ member: { ...memberOf('e1', 0), keepsWork: true }, ageMs: 1_000 });
    await publish(beat());
    expect(written).toMatchObject([{ incarnation: 'e1', keepsWork: true }]);
  });

  it('remembers of those that are dead for up to a day that their site keeps work, and that they are not there', async () => {
    const kept = (incarnation: string, site: string) => ({ ...memberOf(incarnation, 0), site, keepsWork: true });
    await listen(
      { member: kept('dead', 'day'), ageMs: 23 * 60 * minuteMs },
      { member: kept('forgotten', 'long ago'), ageMs: 25 * 60 * minuteMs },
      { member: { ...memberOf('usual', 0), site: 'usual' }, ageMs: 23 * 60 * minuteMs },
    );
    expect(['day', 'long ago', 'usual'].map((site) => executors.keepsWork(site))).toEqual([true, false, false]);
    expect(executors.alive()).toEqual([]);
  });

  it('remembers for minutes the pools of those that are dead, and offers none of them', async () => {
    const amounts = { slots: 1, cpu: 1, memory_bytes: 1, gpu: 0 };
    const kind = { scores: { time: 1, cost: 1, energy: 1 }, time_limit_ms: null, node: amounts };
    const of = (incarnation: string, name: string): Member => ({
      ...memberOf(incarnation, 0),
      pools: JSON.stringify([{ name, ...amounts, free: amounts }]),
      poolKinds: JSON.stringify([{ name, architecture: 'arm64', ...kind }]),
    });
    await listen(
      { member: of('dead', 'arm'), ageMs: 9 * minuteMs },
      { member: of('forgotten', 'old'), ageMs: 11 * minuteMs },
      { member: of('silent', 'here'), ageMs: 1_000 },
    );
    expect(executors.pools).toMatchObject([{ name: 'here' }]);
    expect(executors.rememberedPools).toMatchObject([
      { name: 'here' },
      { name: 'arm', traits: { architecture: 'arm64' } },
    ]);
  });
});

let ids = 0;

function message<T extends MessageType>(type: T, data: DataOf<T>): Message {
  return { id: `m${ids++}`, type, source: '/executors/e1', project: 'default', data };
}

function traits(keeps_work: boolean): Message {
  return message('executor.traits', { executor: 'host', incarnation: 'e1', site: 'local', keeps_work });
}

function beat(): Message {
  const data = { executor: 'host', incarnation: 'e1', site: 'local', pools: [], sent: ids, schema_max: 1 };
  return message('executor.beat', data);
}
