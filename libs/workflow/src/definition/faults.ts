import type { Fault } from '@ryax/contracts';
import { Suggester } from './near-name';
import { pathText, type Place } from './place';

/** Collects everything that is wrong (or worth a word) in one document. */
export class Faults {
  private readonly found: Fault[] = [];
  private readonly noticed: Fault[] = [];
  private readonly suggester = new Suggester();

  add(place: Place, reason: string): void {
    this.found.push({ path: pathText(place), reason });
  }

  /** For what does not stop it. */
  warn(place: Place, reason: string): void {
    this.noticed.push({ path: pathText(place), reason });
  }

  /** The end of a reason about an unknown name: `; did you mean "split"?` or nothing. */
  didYouMean(name: string, candidates: Iterable<string>): string {
    return this.suggester.didYouMean(name, candidates);
  }

  get list(): readonly Fault[] {
    return this.found;
  }

  get warnings(): readonly Fault[] {
    return this.noticed;
  }

  get isEmpty(): boolean {
    return this.found.length === 0;
  }
}
