import Sequencer from '@jest/test-sequencer';
import { inRoot } from './paths.mjs';

/** Specs of the whole engine take minutes: begun last, one of them would run on while all other workers have nothing left to do. */
const wholeEngine = inRoot('test');

/** On a fresh clone Jest knows no times and goes by the size of files, which tells nothing of these. */
export default class LongSpecsFirst extends Sequencer {
  sort(tests) {
    const ordered = super.sort(tests);
    const isLong = ({ path }) => path.startsWith(wholeEngine);
    return [...ordered.filter(isLong), ...ordered.filter((each) => !isLong(each))];
  }
}
