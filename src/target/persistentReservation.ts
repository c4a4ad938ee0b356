import { PersistentReserveOut } from '../scsi/operationCode.ts';
import { AdditionalSense } from '../scsi/sense.ts';
import {
  GOOD,
  illegalRequest,
  invalidFieldInCdb,
  RESERVATION_CONFLICT,
  type ScsiResult,
} from './scsiTask.ts';

/** PERSISTENT RESERVATION TYPE (SPC-5 §6.15.3.4). */
export const ReservationType = {
  writeExclusive: 0x1,
  exclusiveAccess: 0x3,
  writeExclusiveRegistrantsOnly: 0x5,
  exclusiveAccessRegistrantsOnly: 0x6,
  writeExclusiveAllRegistrants: 0x7,
  exclusiveAccessAllRegistrants: 0x8,
} as const;

export type ReservationType = (typeof ReservationType)[keyof typeof ReservationType];

export interface Reservation {
  readonly type: ReservationType;
  /** Who made it; for the all-registrants types every registrant holds it and this is only history. */
  readonly holder: string;
}

export interface PersistentReserveOutRequest {
  readonly serviceAction: number;
  readonly type: number;
  readonly reservationKey: bigint;
  readonly serviceActionReservationKey: bigint;
}

/** How a command stands against somebody else's reservation (SPC-5 table 66, SBC-4 table 14). */
export type ReservationClass =
  /** Runs under any reservation. */
  | 'free'
  /** Only looks at the medium: stopped by the exclusive-access types alone. */
  | 'read'
  /** Stopped by any type. */
  | 'other';

/** Initiators that never unregister cannot make us keep more keys than this. */
const MAXIMUM_REGISTRATIONS = 256;

const TYPES: ReadonlySet<number> = new Set(Object.values(ReservationType));

/**
 * Registrations and the reservation of one logical unit (SPC-5 §5.13). Synchronous, so each service action is
 * atomic. Not kept over a restart of the target: APTPL is refused.
 */
export class PersistentReservations {
  readonly #registrations = new Map<string, bigint>();
  readonly #tell: (initiatorPort: string, condition: AdditionalSense) => void;
  #reservation: Reservation | undefined;
  #generation = 0;

  /** @param tell establishes a unit attention condition for another initiator port */
  constructor(tell: (initiatorPort: string, condition: AdditionalSense) => void) {
    this.#tell = tell;
  }

  /** PRGENERATION. */
  get generation(): number {
    return this.#generation;
  }

  /** Key by initiator port, in order of registration. */
  get registrations(): ReadonlyMap<string, bigint> {
    return this.#registrations;
  }

  get reservation(): Reservation | undefined {
    return this.#reservation;
  }

  holds(initiatorPort: string): boolean {
    if (this.#reservation === undefined) return false;
    return isAllRegistrants(this.#reservation.type)
      ? this.#registrations.has(initiatorPort)
      : this.#reservation.holder === initiatorPort;
  }

  conflicts(initiatorPort: string, commandClass: ReservationClass): boolean {
    if (this.#reservation === undefined || commandClass === 'free' || this.holds(initiatorPort)) return false;
    const { type } = this.#reservation;
    if (isForRegistrants(type) && this.#registrations.has(initiatorPort)) return false;
    return commandClass === 'other' || isExclusiveAccess(type);
  }

  /** Carries out PERSISTENT RESERVE OUT; the caller has checked scope, length and flags. */
  reserveOut(from: string, request: PersistentReserveOutRequest): ScsiResult {
    const { serviceAction } = request;
    if (serviceAction === PersistentReserveOut.register) return this.#register(from, request, false);
    if (serviceAction === PersistentReserveOut.registerAndIgnoreExistingKey) {
      return this.#register(from, request, true);
    }
    if (this.#registrations.get(from) !== request.reservationKey) return RESERVATION_CONFLICT;
    switch (serviceAction) {
      case PersistentReserveOut.reserve:
        return this.#reserve(from, request.type);
      case PersistentReserveOut.release:
        return this.#release(from, request.type);
      case PersistentReserveOut.clear:
        return this.#clear(from);
      case PersistentReserveOut.preempt:
      case PersistentReserveOut.preemptAndAbort:
        return this.#preempt(from, request);
      default:
        return invalidFieldInCdb(1);
    }
  }

  #register(from: string, request: PersistentReserveOutRequest, ignoreExistingKey: boolean): ScsiResult {
    const { reservationKey, serviceActionReservationKey: key } = request;
    const present = this.#registrations.get(from);
    if (!ignoreExistingKey && reservationKey !== (present ?? 0n)) return RESERVATION_CONFLICT;
    if (present === undefined) {
      if (key === 0n) return GOOD;
      if (this.#registrations.size >= MAXIMUM_REGISTRATIONS) {
        return illegalRequest(AdditionalSense.insufficientRegistrationResources);
      }
    }
    if (key === 0n) this.#unregister(from);
    else this.#registrations.set(from, key);
    this.#count();
    return GOOD;
  }

  /** A holder that unregisters lets go of its reservation (SPC-5 §5.13.11.2.3). */
  #unregister(from: string): void {
    const held = this.#reservation !== undefined && this.holds(from) ? this.#reservation : undefined;
    this.#registrations.delete(from);
    if (held === undefined || (isAllRegistrants(held.type) && this.#registrations.size > 0)) return;
    this.#reservation = undefined;
    if (isForRegistrants(held.type)) this.#tellOthers(from, AdditionalSense.reservationsReleased);
  }

  #reserve(from: string, type: number): ScsiResult {
    if (!isReservationType(type)) return invalidFieldInCdb(2);
    if (this.#reservation === undefined) this.#reservation = { type, holder: from };
    else if (!this.holds(from) || this.#reservation.type !== type) return RESERVATION_CONFLICT;
    return GOOD;
  }

  #release(from: string, type: number): ScsiResult {
    if (this.#reservation === undefined || !this.holds(from)) return GOOD;
    if (this.#reservation.type !== type) {
      return illegalRequest(AdditionalSense.invalidReleaseOfPersistentReservation);
    }
    this.#reservation = undefined;
    if (isForRegistrants(type)) this.#tellOthers(from, AdditionalSense.reservationsReleased);
    return GOOD;
  }

  #clear(from: string): ScsiResult {
    this.#tellOthers(from, AdditionalSense.reservationsPreempted);
    this.#reservation = undefined;
    this.#registrations.clear();
    this.#count();
    return GOOD;
  }

  /** SPC-5 §5.13.11.2.6: takes the reservation when it is its holder's key that is preempted, else only keys. */
  #preempt(
    from: string,
    { type, serviceActionReservationKey: key }: PersistentReserveOutRequest,
  ): ScsiResult {
    const present = this.#reservation;
    const everybody = present !== undefined && isAllRegistrants(present.type) && key === 0n;
    if (key === 0n && !everybody) return illegalRequest(AdditionalSense.invalidFieldInParameterList);
    const victims = [...this.#registrations]
      .filter(([, held]) => everybody || held === key)
      .map(([port]) => port);
    if (victims.length === 0) return RESERVATION_CONFLICT;
    const takesOver =
      everybody ||
      (present !== undefined &&
        !isAllRegistrants(present.type) &&
        this.#registrations.get(present.holder) === key);
    if (takesOver && !isReservationType(type)) return invalidFieldInCdb(2);

    for (const victim of victims) {
      if (victim === from) continue;
      this.#registrations.delete(victim);
      this.#tell(victim, AdditionalSense.registrationsPreempted);
    }
    if (takesOver && isReservationType(type)) {
      this.#reservation = { type, holder: from };
      if (type !== present?.type) this.#tellOthers(from, AdditionalSense.reservationsReleased);
    }
    this.#count();
    return GOOD;
  }

  #tellOthers(from: string, condition: AdditionalSense): void {
    for (const port of this.#registrations.keys()) {
      if (port !== from) this.#tell(port, condition);
    }
  }

  #count(): void {
    this.#generation = (this.#generation + 1) >>> 0;
  }
}

function isReservationType(type: number): type is ReservationType {
  return TYPES.has(type);
}

export function isAllRegistrants(type: ReservationType): boolean {
  return (
    type === ReservationType.writeExclusiveAllRegistrants ||
    type === ReservationType.exclusiveAccessAllRegistrants
  );
}

/** The types under which every registrant has access: registrants only, and all registrants. */
function isForRegistrants(type: number): boolean {
  return type >= ReservationType.writeExclusiveRegistrantsOnly;
}

function isExclusiveAccess(type: ReservationType): boolean {
  return (
    type === ReservationType.exclusiveAccess ||
    type === ReservationType.exclusiveAccessRegistrantsOnly ||
    type === ReservationType.exclusiveAccessAllRegistrants
  );
}
