import type { TargetRecord } from '../discovery/sendTargets.ts';
import type { TargetAddress } from '../iscsi/targetAddress.ts';
import type { LogicalUnit } from './logicalUnit.ts';
import type { TargetTask } from './targetTask.ts';

/** A session, as far as the target has to do with it. */
export interface SessionOnTarget {
  readonly initiatorPort: string;
  end(): void;
  /** No task that matches answers any more. */
  abortTasks(matches: (task: TargetTask) => boolean): void;
}

/** One iSCSI target: its name, its logical units, and the sessions that are on it. */
export class DiskTarget {
  /** Normalised. */
  readonly name: string;
  readonly units: ReadonlyMap<number, LogicalUnit>;
  readonly #sessions = new Set<SessionOnTarget>();

  constructor(name: string, units: readonly LogicalUnit[]) {
    this.name = name;
    this.units = new Map(units.map((unit) => [unit.lun, unit]));
  }

  record(address: TargetAddress): TargetRecord {
    return { name: this.name, addresses: [address] };
  }

  /**
   * Adds a session; an older one of the same initiator port is reinstated by it, so it ends (RFC 7143 §6.3.5). Resolves when
   * nothing that the older one began changes the medium any more.
   */
  async join(session: SessionOnTarget): Promise<void> {
    const older = [...this.#sessions].filter((other) => other.initiatorPort === session.initiatorPort);
    for (const other of older) {
      this.leave(other);
      other.end();
    }
    this.#sessions.add(session);
    if (older.length > 0) await Promise.all([...this.units.values()].map((unit) => unit.settled()));
  }

  leave(session: SessionOnTarget): void {
    if (!this.#sessions.delete(session)) return;
    for (const unit of this.units.values()) unit.nexusLost(session.initiatorPort);
  }

  /** CLEAR TASK SET: every session's tasks on this unit are gone. */
  abortTasks(unit: LogicalUnit): void {
    for (const session of this.#sessions) session.abortTasks((task) => task.lun === unit.lun);
  }

  /** LOGICAL UNIT RESET. */
  async resetUnit(unit: LogicalUnit): Promise<void> {
    this.abortTasks(unit);
    unit.reset();
    await unit.settled();
  }

  async close(): Promise<void> {
    for (const session of this.#sessions) session.end();
    await Promise.all([...this.units.values()].map((unit) => unit.close()));
  }
}
