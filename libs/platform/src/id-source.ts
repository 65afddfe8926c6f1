import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';

/** The only source of fresh identifiers in a service; a test puts a counter in its place. */
@Injectable()
export class IdSource {
  newId(): string {
    return randomUUID();
  }
}
