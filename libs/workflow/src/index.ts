export * from './definition/plan';
export * from './placement';
export { handlersOf, type PlannedHandler } from './definition/handlers';
export { weighedHeights, type Heights } from './definition/heights';
export * from './run/run-aggregate';
export { newRun, isOpen, type RunState } from './run/state';
export { evolve } from './run/evolve';
export { handle } from './run/handle';
export {
  cancelRequests,
  entryOf,
  firstReady,
  grownMemory,
  outstanding,
  outstandingAttempt,
  readyWork,
  startRequest,
} from './run/queries';
export { nextWakeup } from './run/timers';
export {
  describeRun,
  type ActionView,
  type CancelView,
  type RunFailureView,
  type RunView,
  type RunViewRequest,
} from './run/view';
export { executionPage, type ExecutionPage, type ExecutionPageRequest, type ExecutionView } from './run/execution-page';
export { waitReason } from './run/wait-reason';
export { restore, RUN_STATE_SCHEMA, snapshot, type RunSnapshot } from './run/snapshot';
export * from './streams/action';
export * from './streams/stream-decision';
export * from './streams/workflow';
export * from './simulator/estimate';
export * from './simulator/simulate';
export { actionReferences, compilePlan, validateDefinition, type Validation } from './definition/validate';
export { checkInputs, checkOutputs, type CheckedValues } from './definition/values';
export { parseMetadata, type ParsedMetadata } from './definition/metadata';
