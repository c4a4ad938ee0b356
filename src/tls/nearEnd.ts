/** As the alerts have it (grafana/prometheus/rules): time enough to renew what ends. */
const NEAR_MS = 14 * 86_400_000;

/** Whether something holds still, and not for long any more; milliseconds since 1970. */
export function isNear(end: number, now: number): boolean {
  return end >= now && end - now < NEAR_MS;
}
