import { internalError, tooManyRequests, type Refusal } from './answers';

/** Which requests, and how many of them; by default the next one. */
export interface Match {
  readonly method?: string;
  /** Tried on path and query. */
  readonly path?: RegExp;
  readonly times?: number;
}

export type Fault =
  | { readonly kind: 'answer'; readonly refusal: Refusal }
  /** The connection is reset before anything was done. */
  | { readonly kind: 'hang-up' }
  /** All is done as asked, then the connection is reset. */
  | { readonly kind: 'lose-reply' }
  /** The connection is reset at once, and all is done as asked when that resolves. */
  | { readonly kind: 'land-late'; readonly when: Promise<void> }
  | { readonly kind: 'delay'; readonly ms: number }
  /** Nothing is done, and nothing answered, before that resolves. */
  | { readonly kind: 'hold'; readonly when: Promise<void> };

/** Shares of all requests, from 0 to 1. */
export interface FaultRates {
  readonly throttle?: number;
  readonly fail?: number;
  readonly hangUp?: number;
  readonly loseReply?: number;
  readonly delay?: number;
  /** The longest delay. */
  readonly delayMs?: number;
}

interface Rule {
  readonly match: Match;
  readonly fault: Fault;
  left: number;
}

/** What goes wrong with requests: by rules of a test, and by a schedule that one seed makes the same every time. */
export class RequestFaults {
  private rules: Rule[] = [];
  private rates: FaultRates = {};
  private random: () => number = () => 1;

  /** How many faults there were so far. */
  count = 0;

  add(fault: Fault, match: Match = {}): void {
    this.rules.push({ match, fault, left: match.times ?? 1 });
  }

  schedule(seed: number, rates: FaultRates): void {
    this.random = seededRandom(seed);
    this.rates = rates;
  }

  clear(): void {
    this.rules = [];
    this.rates = {};
  }

  /** The faults that hit this request, in order: the first that decides what comes of it is the last, and others wait for the next request. */
  take(method: string, path: string): Fault[] {
    // Drawn for every request: which ones a schedule hits must not depend on rules.
    const candidates = [...this.takeByRules(method, path), ...this.draw()];
    const decisive = candidates.findIndex(isDecisive);
    const faults = decisive < 0 ? candidates : candidates.slice(0, decisive + 1);
    this.count += faults.length;
    return faults;
  }

  private takeByRules(method: string, path: string): Fault[] {
    const matching = this.rules.filter(({ match }) => isMatch(match, method, path));
    const decisive = matching.findIndex(({ fault }) => isDecisive(fault));
    const hit = decisive < 0 ? matching : matching.slice(0, decisive + 1);
    hit.forEach((rule) => (rule.left -= 1));
    this.rules = this.rules.filter(({ left }) => left > 0);
    return hit.map(({ fault }) => fault);
  }

  private draw(): Fault[] {
    const { throttle = 0, fail = 0, hangUp = 0, loseReply = 0, delay = 0, delayMs = 100 } = this.rates;
    const candidates: readonly [number, () => Fault][] = [
      [throttle, () => ({ kind: 'answer', refusal: tooManyRequests() })],
      [fail, () => ({ kind: 'answer', refusal: internalError() })],
      [hangUp, () => ({ kind: 'hang-up' })],
      [loseReply, () => ({ kind: 'lose-reply' })],
      [delay, () => ({ kind: 'delay', ms: this.random() * delayMs })],
    ];
    let rest = this.random();
    for (const [rate, fault] of candidates) {
      if (rest < rate) return [fault()];
      rest -= rate;
    }
    return [];
  }
}

/** Whether it says what comes of a request; others only hold it up. */
function isDecisive({ kind }: Fault): boolean {
  return kind !== 'delay' && kind !== 'hold';
}

function isMatch(match: Match, method: string, path: string): boolean {
  return (match.method ?? method) === method && (match.path?.test(path) ?? true);
}

/** Numbers in [0, 1) that are the same for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
