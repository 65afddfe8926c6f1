import { NotFoundError } from '@ryax/filestore';
import { AttemptFailure } from '../process/attempt-failure';
import { untilDone } from './until-done';

const ioError = Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO', syscall: 'read' });
const failure = (kind: 'lost' | 'image', cause: Error) =>
  new AttemptFailure({ kind, message: 'it could not be unpacked' }, { cause });

describe('what the filestore is asked for an attempt that has begun', () => {
  let nowMs = 0;
  const clock = { monotonicMs: () => nowMs };
  const { signal } = new AbortController();

  /** Fails with this so often, each try taking a second. */
  async function triesOf(error: Error, most: number, patienceMs = 60_000): Promise<number> {
    let tries = 0;
    nowMs = 0;
    const act = () => {
      tries++;
      nowMs += 1_000;
      return tries < most ? Promise.reject(error) : Promise.resolve();
    };
    await untilDone(act, { clock, signal, patienceMs }).catch((thrown: unknown) => expect(thrown).toBe(error));
    return tries;
  }

  it.each([
    ['a disk that fails', ioError],
    ['an attempt that it makes lost', failure('lost', ioError)],
  ])('is asked again after %s', async (_what, error) => {
    expect(await triesOf(error, 3)).toBe(3);
  });

  it.each([
    ['what it says of its content', new NotFoundError('sha256:none')],
    ['what the content makes of the attempt', failure('image', ioError)],
    ['a fault of ours', new TypeError('x is not a function')],
    ['a fault of ours that makes the attempt lost', failure('lost', new TypeError('x is not a function'))],
  ])('is not asked again after %s', async (_what, error) => {
    expect(await triesOf(error, 3)).toBe(1);
  });

  it('is not asked again once it is not wanted any more', async () => {
    const unwanted = new AbortController();
    const reason = new Error('it is not wanted any more');
    let tries = 0;
    const act = () => {
      tries++;
      if (tries === 2) unwanted.abort(reason);
      return Promise.reject(ioError);
    };
    const patience = { clock, signal: unwanted.signal, patienceMs: Infinity };
    await expect(untilDone(act, patience)).rejects.toBe(reason);
    expect(tries).toBe(2);
  });

  it('is asked for as long as there is patience, counted from its first failure', async () => {
    expect(await triesOf(ioError, 10, 2_000)).toBe(3);
  });
});
