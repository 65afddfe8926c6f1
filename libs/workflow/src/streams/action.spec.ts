import { decideAction, evolveAction, newAction, type ActionMessage } from './action';

const publish = (version: string, letter: string): ActionMessage => ({
  type: 'publish',
  command: {
    action_id: 'split',
    version,
    content_hash: `sha256:${letter.repeat(64)}`,
    manifest: {
      id: 'split',
      version,
      human_name: 'Split',
      kind: 'Processor',
      runtime: 'nodejs',
      inputs: [],
      outputs: [],
      resources: {},
      categories: [],
      warnings: [],
    },
    published_by: null,
  },
});

function published(...messages: ActionMessage[]) {
  return messages.reduce((state, message) => {
    const decision = decideAction(state, message);
    return decision.type === 'rejected' ? state : decision.events.reduce(evolveAction, state);
  }, newAction());
}

describe('an action of the catalogue', () => {
  it('is published under its id and version', () => {
    expect(decideAction(newAction(), publish('1.0', 'a'))).toMatchObject({
      events: [{ type: 'ActionPublished', data: { action_id: 'split', version: '1.0' } }],
      reply: { action_id: 'split', version: '1.0' },
    });
  });

  it('is not changed by the same content again', () => {
    expect(decideAction(published(publish('1.0', 'a')), publish('1.0', 'a'))).toMatchObject({
      type: 'decided',
      events: [],
    });
  });

  it('refuses other content under a version that there is', () => {
    const decision = decideAction(published(publish('1.0', 'a')), publish('1.0', 'b'));
    expect(decision).toMatchObject({ type: 'rejected', rejection: { code: 'conflict' } });
  });

  it('takes the same content under another version', () => {
    expect(decideAction(published(publish('1.0', 'a')), publish('1.1', 'a'))).toMatchObject({
      events: [{ type: 'ActionPublished' }],
    });
  });
});
