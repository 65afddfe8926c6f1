import { Running } from './running';

describe('what runs', () => {
  afterEach(() => jest.restoreAllMocks());

  it('is stopped on a signal, the last first, before the process ends; a second signal changes nothing', async () => {
    jest.spyOn(console, 'error').mockImplementation();
    const done: string[] = [];
    const running = new Running();
    const held = (name: string) => ({
      stop: async () => {
        await Promise.resolve();
        done.push(name);
      },
    });
    let leave = () => {};
    const status = new Promise<number>((end) => {
      leave = running.stopOnSignals(end);
    });
    await running.hold(Promise.resolve(held('engine')));
    let start = () => {};
    void running.hold(new Promise<ReturnType<typeof held>>((resolve) => (start = () => resolve(held('half started')))));
    await expect(running.hold(Promise.reject(new Error('no room')))).rejects.toThrow('no room');

    process.emit('SIGTERM');
    process.emit('SIGINT');
    expect(running.isStopping).toBe(true);
    start();

    expect(await status).toBe(143);
    expect(done).toEqual(['half started', 'engine']);
    leave();
  });
});
