import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** A message that could not be handled, as pg gives it: `bigint` as text. */
@Entity({ name: 'dead_letters' })
@Index('dead_letters_number_idx', ['number'], { unique: true })
export class DeadLetterEntity {
  /** Of what it is and where it was, so that storing it again stores nothing twice. */
  @PrimaryColumn({ type: 'text' })
  readonly id!: string;

  /** Its place; a new one each time that it is parked. */
  @Column({ type: 'bigint', generated: 'identity', generatedIdentity: 'BY DEFAULT' })
  readonly number!: string;

  @Column({ type: 'timestamp with time zone', default: () => 'now()' })
  readonly parked_at!: Date;

  @Column({ type: 'integer' })
  readonly times!: number;

  /** JSON text: all but the body. */
  @Column({ type: 'text' })
  readonly letter!: string;

  @Column({ type: 'bytea' })
  readonly content!: Buffer;

  /** What it takes, about. */
  @Column({ type: 'integer' })
  readonly bytes!: number;
}
