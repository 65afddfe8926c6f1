import { EventRecorder, type PodEvent } from './event-recorder';
import { events, pods, asPod } from './objects';
import { Store } from './store';

const hourMs = 3_600_000;

describe('the events of pods', () => {
  afterEach(() => jest.restoreAllMocks());

  function recorder() {
    const store = new Store();
    const given = { metadata: { name: 'p', namespace: 'default' }, spec: { containers: [] }, status: {} };
    const pod = asPod(store.create(pods, given));
    const recording = new EventRecorder(store, 1_000);
    return {
      record: (event: PodEvent) => recording.record(pod, event),
      kept: () => store.list(events),
    };
  }
  const warning = (message: string): PodEvent => ({ type: 'Warning', reason: 'FailedMount', message });

  it('are one for a warning that comes again, and several for what is not a warning', () => {
    const { record, kept } = recorder();
    for (const message of ['a', 'b', 'a']) record(warning(message));
    record({ reason: 'Pulled', message: 'c' });
    record({ reason: 'Pulled', message: 'c' });
    const counts = kept().map(({ message, count }) => `${String(message)} ${String(count)}`);
    expect(counts.sort()).toEqual(['a 2', 'b 1', 'c 1', 'c 1']);
  });

  it('are kept for an hour after they were last written', () => {
    const { record, kept } = recorder();
    const now = jest.spyOn(Date, 'now').mockReturnValue(hourMs);
    record(warning('once'));
    record(warning('again'));
    now.mockReturnValue(1.5 * hourMs);
    record(warning('again'));
    now.mockReturnValue(2 * hourMs);
    record(warning('new'));
    expect(
      kept()
        .map(({ message }) => message)
        .sort(),
    ).toEqual(['again', 'new']);
  });

  it('are the newest 10,000', () => {
    const { record, kept } = recorder();
    for (let index = 0; index <= 10_000; index += 1) record({ reason: 'Pulled', message: String(index) });
    const messages = new Set(kept().map(({ message }) => message));
    expect([messages.size, messages.has('0'), messages.has('1')]).toEqual([10_000, false, true]);
  });
});
