import { Injectable } from '@nestjs/common';

/** The only source of time in a service. Decisions use the database's time; this one is for waits, durations and logs. */
@Injectable()
export class Clock {
  /** Milliseconds since an arbitrary point; never goes back, whatever happens to the system's date. */
  monotonicMs(): number {
    return performance.now();
  }

  /** Milliseconds since 1970 as this machine believes; may jump, so never subtract two of them. */
  wallMs(): number {
    return Date.now();
  }
}
