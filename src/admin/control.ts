import type { Explanation } from '../explain/explanation.ts';
import type { WrittenQuestion } from '../explain/readQuestion.ts';
import type { SessionSummary } from '../telemetry/sessionSummary.ts';

/** What the admin listener can see and do; the gateway hands it in. */
export interface Control {
  sessions(): readonly SessionSummary[] | Promise<readonly SessionSummary[]>;
  /**
   * Asks for the session's end.
   *
   * @param by who asked, for the log
   * @returns false if there is no such session
   */
  kill(id: number, by: string): boolean;
  /** By the rules in force. @throws ValueError if this cannot be asked */
  explain(question: WrittenQuestion): Explanation;
}
