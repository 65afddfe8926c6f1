interface Turn<Answer> {
  readonly current: Promise<Answer>;
  next: Promise<Answer> | undefined;
}

/**
 * One question for all who ask the same at the same time. Whoever comes while a question is on its way waits for the next:
 * the answer that is under way may have been made before what the asker was told. So an answer is never older than its asker,
 * and there are never more than two questions for one key.
 */
export class SharedLookup<Answer> {
  private readonly turns = new Map<string, Turn<Answer>>();

  ask(key: string, lookUp: () => Promise<Answer>): Promise<Answer> {
    const turn = this.turns.get(key);
    if (turn === undefined) return this.begin(key, lookUp);
    const begin = () => this.begin(key, lookUp);
    turn.next ??= turn.current.then(begin, begin);
    return turn.next;
  }

  private begin(key: string, lookUp: () => Promise<Answer>): Promise<Answer> {
    const current = lookUp();
    const turn: Turn<Answer> = { current, next: undefined };
    this.turns.set(key, turn);
    const ended = () => {
      if (turn.next === undefined && this.turns.get(key) === turn) this.turns.delete(key);
    };
    current.then(ended, ended);
    return current;
  }
}
