import { AuthenticatedLogin } from '../login/targetLogin.ts';
import { CommandPolicy } from '../policy/commandPolicy.ts';
import { Authorization, type Admission } from '../policy/policy.ts';

/** What a session may do now. It is asked at every request, so what is under way ends as it began. */
export class Access {
  readonly #login: AuthenticatedLogin<Admission>;
  #policy: CommandPolicy;

  /** @throws TypeError for proofs that are none, or are not of one login */
  constructor(login: AuthenticatedLogin<Admission>, authorization: Authorization) {
    if (!AuthenticatedLogin.isGenuine(login) || !Authorization.isGenuine(authorization)) {
      throw new TypeError(
        'a login and an authorization are proofs only if they come from TargetLogin and Policy',
      );
    }
    if (login.admission !== authorization.admission || login.identity.targetName !== authorization.target) {
      throw new TypeError('the authorization belongs to another login');
    }
    this.#login = login;
    this.#policy = new CommandPolicy(authorization.access);
  }

  get policy(): CommandPolicy {
    return this.#policy;
  }

  /**
   * Another policy has judged the session anew: the same subject, at the same target.
   *
   * @throws TypeError for an authorization that is none, or somebody else's
   */
  change(authorization: Authorization): void {
    const { admission, identity } = this.#login;
    if (!Authorization.isGenuine(authorization)) {
      throw new TypeError('an authorization is a proof only if it comes from Policy');
    }
    if (authorization.target !== identity.targetName || !isSame(authorization.admission, admission)) {
      throw new TypeError('the authorization is for another subject or target than the session’s');
    }
    this.#policy = new CommandPolicy(authorization.access);
  }
}

/** A new policy admits anew, so the admission is another one; who was admitted, and what the login proved, can't have changed. */
function isSame(one: Admission, other: Admission): boolean {
  return (
    one.subject.initiatorName === other.subject.initiatorName &&
    one.subject.address === other.subject.address &&
    one.subject.certificate.sha256 === other.subject.certificate.sha256 &&
    one.chapUser === other.chapUser
  );
}
