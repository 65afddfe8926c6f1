import { CreateEventLog } from './0001-create-event-log';
import { LocksOfMembers } from './0002-locks-of-members';
import { MembersThatKeepWork } from './0003-members-that-keep-work';
import { KindsOfPools } from './0004-kinds-of-pools';

/** In order, each once, forward only. A released one is never changed. */
export const migrations = [CreateEventLog, LocksOfMembers, MembersThatKeepWork, KindsOfPools];
