import type { Simulation } from './simulation';
import { Station, type Host } from './station';
import type { Deployment } from './scenario';
import type { Costs } from './unit-costs';

/** A queue is one process of one node: more cores do not make it faster. */
export interface Queue {
  readonly node: Station;
  readonly process: Station;
}

/** Nodes that each carry their share of the queues. */
export class BrokerModel {
  readonly nodes: readonly Station[];
  readonly queues: Queue[] = [];
  messages = 0;

  constructor(
    private readonly simulation: Simulation,
    { brokers, coresPerBroker, copies }: Pick<Deployment, 'brokers' | 'coresPerBroker' | 'copies'>,
    private readonly costs: Costs,
    host?: Host,
  ) {
    this.nodes = Array.from({ length: brokers }, () => new Station(simulation, coresPerBroker, host));
    this.work = 1 + (Math.max(1, copies) - 1) * costs.copyShare;
  }

  private readonly work: number;

  queue(): Queue {
    const node = this.nodes[this.queues.length % this.nodes.length];
    if (node === undefined) throw new Error('Expected at least one broker, found none');
    const queue = { node, process: new Station(this.simulation, 1) };
    this.queues.push(queue);
    return queue;
  }

  /** One message with so much packed in it. */
  send(queue: Queue, items: number, delivered: () => void): void {
    this.sendMany(queue, 1, items, delivered);
  }

  /** Messages that travel together; delivered is the last. */
  sendMany({ node, process }: Queue, messages: number, items: number, delivered: () => void): void {
    const { brokerUsPerMessage, brokerUsPerItem, queueUsPerMessage, hopUs } = this.costs;
    this.messages += messages;
    node.serve((this.work * (messages * brokerUsPerMessage + items * brokerUsPerItem)) / 1e6, () => {
      process.serve((messages * queueUsPerMessage) / 1e6, () => this.simulation.after(hopUs / 1e6, delivered));
    });
  }
}
