import type { TargetRecord } from '../discovery/sendTargets.ts';
import type { TargetAddress } from '../iscsi/targetAddress.ts';
import type { LogicalUnit } from './logicalUnit.ts';
import type { TargetTask } from './targetTask.ts';

/** A session, as far as the target has to do with it. */
export interface SessionOnTarget {
  readonly initiatorPort: string;
  /** True while a logical unit has a task of it in hand, be it aborted. */
  readonly isBusy: boolean;
  end(): void;
  /** No task that matches answers any more. Gives their number. */
  abortTasks(matches: (task: TargetTask) => boolean): number;
}

/** One iSCSI target: its name, its logical units, and the sessions that are on it. */
export class DiskTarget {
  /** Normalised. */
  readonly name: string;
  readonly units: ReadonlyMap<number, LogicalUnit>;
  readonly #sessions = new Set<SessionOnTarget>();
  /** What sessions that are gone still do to the disks, by initiator port. */
  readonly #settling = new Map<string, Promise<void>>();

  constructor(name: string, units: readonly LogicalUnit[]) {
    this.name = name;
    this.units = new Map(units.map((unit) => [unit.lun, unit]));
  }

  record(address: TargetAddress): TargetRecord {
    return { name: this.name, addresses: [address] };
  }

  /**
   * Adds a session; an older one of the same initiator port is reinstated by it, so it ends (RFC 7143 §6.3.5). Resolves when
   * nothing that an older one began, be it long gone, changes the medium any more.
   */
  async join(session: SessionOnTarget): Promise<void> {
    const older = [...this.#sessions].filter((other) => other.initiatorPort === session.initiatorPort);
    for (const other of older) {
      this.leave(other);
      other.end();
    }
    this.#sessions.add(session);
    await this.#settling.get(session.initiatorPort);
  }

  leave(session: SessionOnTarget): void {
    if (!this.#sessions.delete(session)) return;
    const { initiatorPort } = session;
    for (const unit of this.units.values()) unit.nexusLost(initiatorPort);
    if (session.isBusy) this.#settle(initiatorPort);
  }

  /** CLEAR TASK SET: every session's tasks on this unit are gone, and those who did not ask for it are told. */
  async clearTasks(unit: LogicalUnit, initiatorPort: string): Promise<void> {
    for (const session of this.#sessions) {
      const cleared = session.abortTasks((task) => task.lun === unit.lun);
      if (cleared > 0 && session.initiatorPort !== initiatorPort) unit.tasksCleared(session.initiatorPort);
    }
    await unit.settled();
  }

  /** LOGICAL UNIT RESET. */
  async resetUnit(unit: LogicalUnit): Promise<void> {
    for (const session of this.#sessions) session.abortTasks((task) => task.lun === unit.lun);
    unit.reset();
    await unit.settled();
  }

  async close(): Promise<void> {
    for (const session of this.#sessions) session.end();
    await Promise.all([...this.units.values()].map((unit) => unit.close()));
  }

  #settle(initiatorPort: string): void {
    const units = [...this.units.values()];
    const settled = Promise.all(units.map((unit) => unit.settled())).then(() => {
      if (this.#settling.get(initiatorPort) === settled) this.#settling.delete(initiatorPort);
    });
    this.#settling.set(initiatorPort, settled);
  }
}
