export { choosePool, reasonsOf } from './choose-pool';
export {
  demandOf,
  placeText,
  plainDemand,
  poolNameOf,
  slotlessDemand,
  withMemory,
  type Demand,
  type Lane,
  type Wishes,
} from './demand';
export { fittingPools, isTooLarge, lacksOf, rejectionOf, unmetBy, type Unmet } from './fit';
export { eachAmount, noAmounts, offeredPools, traitsOf, type PoolsOfExecutor } from './offered-pools';
export {
  defaultPool,
  nameOfPool,
  poolKey,
  type OfferedPool,
  type Pool,
  type PoolAmounts,
  type PoolTraits,
} from './pool';
