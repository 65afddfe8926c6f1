import { RoomLine } from '../cluster/room-line';

const longMs = 3_600_000;

/** Until mocks are restored what waits for room is tried by turns alone, not by a back-off of its own. */
export function waitForTurnsAlone(): void {
  const { place } = RoomLine.prototype;
  jest.spyOn(RoomLine.prototype, 'place').mockImplementation(function (this: RoomLine) {
    const made = place.call(this);
    const turn = made.turn.bind(made);
    made.turn = (_ms, signal) => turn(longMs, signal);
    return made;
  });
}
