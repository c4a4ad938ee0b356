import { didYouMean } from '../config/didYouMean.ts';
import { quote, ValueError } from '../config/problem.ts';
import { TaskFunction } from '../iscsi/taskManagement.ts';
import { NAMED_COMMANDS } from '../scsi/commandNames.ts';
import { commandRequest, REQUEST_CLASSES, taskManagementRequest, TYPICAL, type Request } from './request.ts';

const OPERATION_CODE = /^(?:0x)?([0-9a-f]{2})h?(?:\/(?:0x)?([0-9a-f]{1,4})h?)?$/i;
/** Service actions are 5 bits of byte 1, but for variable-length CDBs. */
const MAX_SERVICE_ACTION = 0x1f;
const VARIABLE_LENGTH = 0x7f;

const BY_NAME: ReadonlyMap<string, Request> = new Map<string, Request>([
  ...NAMED_COMMANDS.map((command) => [letters(command.name), commandRequest(command)] as const),
  ...taskFunctions().map((name) => [letters(name), taskManagementRequest(name)] as const),
  ...REQUEST_CLASSES.map((name) => [letters(name), TYPICAL[name]] as const),
]);

/**
 * Reads a request: an operation code (`2a`, `0x2a`, `9e/10` with its service action), the name of a command (`WRITE(10)`,
 * `unmap`) or of a task management function (`logical unit reset`), or a word of `allow`.
 *
 * @throws ValueError
 */
export function parseRequest(text: string): Request {
  const [, code, action] = OPERATION_CODE.exec(text) ?? [];
  if (code !== undefined) return fromCode(text, code, action);
  const request = BY_NAME.get(letters(text));
  if (request !== undefined) return request;
  const names = [...NAMED_COMMANDS.map(({ name }) => name), ...REQUEST_CLASSES];
  const meant = didYouMean(text, names);
  throw new ValueError(
    `${quote(text)} is not a command`,
    meant === undefined
      ? 'write an operation code in hex (2a, or 9e/10 with a service action), or a name: "WRITE(10)", unmap'
      : `did you mean ${quote(meant)}?`,
  );
}

function fromCode(text: string, code: string, action: string | undefined): Request {
  const operationCode = Number.parseInt(code, 16);
  if (action === undefined) return commandRequest({ operationCode });
  const serviceAction = Number.parseInt(action, 16);
  if (operationCode !== VARIABLE_LENGTH && serviceAction > MAX_SERVICE_ACTION) {
    throw new ValueError(
      `${quote(text)} has a service action above 1F`,
      'only variable-length commands (7f) have larger ones',
    );
  }
  return commandRequest({ operationCode, serviceAction });
}

function taskFunctions(): (keyof typeof TaskFunction)[] {
  return Object.keys(TaskFunction) as (keyof typeof TaskFunction)[];
}

/** However one writes it: `WRITE(10)`, `write 10`, `write-10`. */
function letters(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
}
