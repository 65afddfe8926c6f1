import { useTestDatabase } from '@ryax/testing';
import { describeEventLogContract } from '../event-log.contract';
import { useEventLog } from './fixture';

describe('PostgreSQL keeps the contract of the event log', () => {
  const database = useTestDatabase();
  const opened = useEventLog(() => ({ url: database.url }));

  describeEventLogContract(opened);
});
