import { describeRule } from '../policy/rules.ts';
import { describeDenied } from '../relay/access.ts';
import type { GatewayEvent, Observer, Peer } from '../telemetry/events.ts';
import type { RequestObservers } from './requestReport.ts';
import type { Session, SessionEnd } from './session.ts';

/** Which session it is about. */
export interface SessionConcerned {
  readonly peer: Peer;
  readonly session: number;
  readonly target: string;
}

/** Tells of a session's requests in events. */
export function requestObservers(observe: Observer, concerned: SessionConcerned): RequestObservers {
  return {
    onNotable: ({ rule: id, location, ...notable }, suppressed) =>
      observe({
        kind: 'notable',
        ...concerned,
        rule: describeRule({ id, location }),
        ...notable,
        suppressed,
      }),
    onDenied: (denied, suppressed) => {
      const { kind: denial, enforced, rule: id, location, command, taskFunction, lun } = denied;
      observe({
        kind: 'denied',
        ...concerned,
        rule: describeRule({ id, location }),
        denial,
        enforced,
        what: describeDenied(denied),
        ...(command !== undefined && { operationCode: command.operationCode }),
        ...(taskFunction !== undefined && { taskFunction }),
        ...(lun !== undefined && { lun }),
        suppressed,
      });
    },
  };
}

/** What is told of a session when it has ended. */
export function endOf(session: Session, concerned: SessionConcerned, end: SessionEnd): GatewayEvent {
  const { denials, fromInitiator, fromTarget } = session.summary;
  const { suppressed } = session;
  return {
    kind: 'sessionEnded',
    ...concerned,
    ...end,
    denials,
    suppressed,
    fromInitiator,
    fromTarget,
  };
}
