import type { WorkflowEvent } from '@ryax/contracts';
import {
  decideWorkflow,
  evolveWorkflow,
  hashOfVersion,
  newestDeployed,
  newWorkflow,
  type WorkflowMessage,
  type WorkflowState,
} from './workflow';

const hash = (letter: string) => `sha256:${letter.repeat(64)}`;

function deploy(letter: string): WorkflowMessage {
  return {
    type: 'deploy',
    command: { workflow_id: 'quakes', definition_hash: hash(letter), human_name: 'Quakes', deployed_by: 'ada' },
  };
}

const undeploy: WorkflowMessage = { type: 'undeploy', command: { workflow_id: 'quakes', undeployed_by: 'ada' } };

function given(...messages: WorkflowMessage[]) {
  const events: WorkflowEvent[] = [];
  let state: WorkflowState = newWorkflow();
  const decide = (message: WorkflowMessage) => {
    const decision = decideWorkflow(state, message);
    if (decision.type === 'rejected') return decision;
    for (const event of decision.events) state = evolveWorkflow(state, event);
    events.push(...decision.events);
    return decision;
  };
  messages.forEach(decide);
  return { decide, events, state: () => state };
}

describe('a workflow', () => {
  it('gets its first version when it is first deployed', () => {
    const decision = given().decide(deploy('a'));
    expect(decision).toMatchObject({
      events: [
        { type: 'WorkflowDeployed', data: { workflow_id: 'quakes', workflow_version: 1, definition_hash: hash('a') } },
      ],
      reply: { workflow_id: 'quakes', workflow_version: 1 },
    });
  });

  it('gets the next version for new content', () => {
    const workflow = given(deploy('a'), deploy('b'));
    expect(workflow.events.map(({ data }) => 'workflow_version' in data && data.workflow_version)).toEqual([1, 2]);
    expect(newestDeployed(workflow.state())).toBe(2);
  });

  it('answers content that it has had with the version that it had, and changes nothing', () => {
    const workflow = given(deploy('a'), deploy('b'));
    expect(workflow.decide(deploy('a'))).toEqual({
      type: 'decided',
      events: [],
      reply: { workflow_id: 'quakes', workflow_version: 1 },
    });
    expect(newestDeployed(workflow.state())).toBe(2);
  });

  it('is deployed again under its old version after an undeployment', () => {
    const workflow = given(deploy('a'), deploy('b'), undeploy);
    expect(newestDeployed(workflow.state())).toBeUndefined();
    expect(workflow.decide(deploy('a'))).toMatchObject({
      events: [{ type: 'WorkflowDeployed', data: { workflow_version: 1 } }],
    });
    expect(newestDeployed(workflow.state())).toBe(1);
    expect(workflow.decide(deploy('c'))).toMatchObject({ reply: { workflow_version: 3 } });
  });

  it('is undeployed once', () => {
    const workflow = given(deploy('a'), undeploy);
    expect(workflow.decide(undeploy)).toMatchObject({ type: 'decided', events: [] });
  });

  it('cannot be undeployed when there is none', () => {
    expect(given().decide(undeploy)).toMatchObject({ type: 'rejected', rejection: { code: 'not-found' } });
  });

  it('knows the content of each of its versions', () => {
    const state = given(deploy('a'), deploy('b')).state();
    expect([1, 2, 3].map((version) => hashOfVersion(state, version))).toEqual([hash('a'), hash('b'), undefined]);
  });
});
