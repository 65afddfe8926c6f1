import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';

/**
 * The only source of fresh identifiers in a service; a test puts a counter in its place. Unique everywhere, and no secret: whoever has
 * seen one can guess the next. Several are made for each step, so the random part is made once.
 */
@Injectable()
export class IdSource {
  private readonly prefix = randomUUID();
  private count = 0;

  newId(): string {
    return `${this.prefix}.${this.count++}`;
  }

  /** One that nobody can guess. */
  newSecret(): string {
    return randomUUID();
  }
}
