const OTHERS = 0o007;
const GROUP_WRITE = 0o020;

/**
 * What is wrong with the mode of a file that holds a secret or a private key: nobody but its owner may write it, and nobody but
 * its owner and its group may read it. The group may, because that is how Debian's ssl-cert and Kubernetes' fsGroup hand a
 * secret to a service.
 *
 * @param mode as `stat` gives it
 * @returns undefined if nothing is
 */
export function secretFileProblem(mode: number): string | undefined {
  const everybody = (mode & OTHERS) !== 0;
  if (!everybody && (mode & GROUP_WRITE) === 0) return undefined;
  const who = everybody ? 'is open to every user of this machine' : 'can be written by its group';
  return `${who} (mode ${(mode & 0o777).toString(8).padStart(3, '0')})`;
}

/** Makes a file as `secretFileProblem` wants it. */
export function secretFileRemedy(file: string): string {
  return `chmod 600 ${file}`;
}
