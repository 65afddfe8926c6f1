/** What we read of WfFormat 1.5 (wfcommons.org): tasks and who comes before whom. */
export interface Trace {
  readonly workflow: {
    readonly specification: { readonly tasks: readonly { readonly id: string; readonly parents: readonly string[] }[] };
  };
}

export interface TraceDefinition {
  readonly definition: object;
  /** By action id, the action ids that must have ended before it starts. */
  readonly parents: ReadonlyMap<string, readonly string[]>;
}

/** A workflow with the shape of a trace: each task a no-op that waits for its parents. */
export function definitionOfTrace({ workflow }: Trace, id: string): TraceDefinition {
  const { tasks } = workflow.specification;
  const actionIds = new Map(tasks.map((task, index) => [task.id, `task_${index}`]));
  const idOf = (task: string) => {
    const action = actionIds.get(task);
    if (action === undefined) throw new Error(`Expected a task ${task} in the trace, found none`);
    return action;
  };
  const parents = new Map(tasks.map((task) => [idOf(task.id), task.parents.map(idOf)]));
  const actions = [...parents].map(([action, after]) => ({ id: action, action: 'core/noop', after }));
  return { definition: { apiVersion: 'ryax.tech/v2.0', kind: 'Workflow', spec: { id, actions } }, parents };
}
