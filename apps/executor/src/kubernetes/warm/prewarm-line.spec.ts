import { PrewarmLine } from './prewarm-line';
import { kindOf } from './warm-kind';

const kind = (number: number) =>
  kindOf({ project: 'default', resources: {} }, `sha256:${String(number).padStart(64, '0')}`);
const kinds = (count: number) => Array.from({ length: count }, (_, number) => kind(number));

describe(PrewarmLine.name, () => {
  it('lets few at a time have their turn, in order, each once however often it was named', () => {
    const line = new PrewarmLine();
    line.add(kinds(7));
    line.add([kind(6), kind(0)]);
    expect(line.take()).toEqual(kinds(5));
    expect(line.take()).toEqual([kind(5), kind(6)]);
    expect(line.take()).toEqual([]);
    line.add([kind(0)]);
    expect(line.take()).toEqual([kind(0)]);
  });

  it('does not grow without end', () => {
    const line = new PrewarmLine();
    line.add(kinds(5_000));
    let turns = 0;
    while (line.take().length > 0) turns++;
    expect(turns).toBe(200);
  });
});
