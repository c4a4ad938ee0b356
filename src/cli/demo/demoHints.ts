import { formatPortal } from '../../iscsi/targetAddress.ts';
import { terminal } from '../terminal/terminal.ts';
import { INITIATOR_NAME, TARGET_NAME, type DemoStage } from './demoStage.ts';

/** What to type to use the demo's disk with an initiator of one's own. */
export function printHints({ stub, admin, directory }: DemoStage): void {
  const portal = formatPortal({ host: stub.address, port: stub.port });
  const secret = (name: string): string => `$(cat ${directory}/secrets/${name})`;
  const node = `iscsiadm -m node -T ${TARGET_NAME} -p ${portal}`;
  terminal.heading('Your own initiator');
  terminal.result(`libiscsi (package libiscsi-bin):
  iscsi-ls -s -i ${INITIATOR_NAME} "iscsi://demo%${secret('demo')}@${portal}"

Linux (package open-iscsi), as root. The second line renames this machine's initiator: note the old name before.
  cat /etc/iscsi/initiatorname.iscsi
  echo InitiatorName=${INITIATOR_NAME} > /etc/iscsi/initiatorname.iscsi; systemctl restart iscsid
  iscsiadm -m discoverydb -t st -p ${portal} -o new
  iscsiadm -m discoverydb -t st -p ${portal} -o update -n discovery.sendtargets.auth.authmethod -v CHAP \\
    -n discovery.sendtargets.auth.username -v demo -n discovery.sendtargets.auth.password -v "${secret('demo')}"
  iscsiadm -m discoverydb -t st -p ${portal} --discover
  ${node} -o update -n node.session.auth.authmethod -v CHAP -n node.session.auth.username -v demo \\
    -n node.session.auth.password -v "${secret('demo')}"
  ${node} --login

Windows (PowerShell, with the stub on the same machine; first set the initiator's name in iscsicpl):
  New-IscsiTargetPortal -TargetPortalAddress ${stub.address} -TargetPortalPortNumber ${stub.port} \`
    -AuthenticationType ONEWAYCHAP -ChapUsername demo -ChapSecret <the text in secrets/demo>
  Connect-IscsiTarget -NodeAddress ${TARGET_NAME} -AuthenticationType ONEWAYCHAP \`
    -ChapUsername demo -ChapSecret <the text in secrets/demo>`);
  terminal.heading('What the gateway sees');
  terminal.result(`  metrics:        http://${formatPortal({ host: admin.address, port: admin.port })}/metrics
  configuration:  ${directory}/gateway.yaml
  log:            below, with the stub's; Ctrl-C ends everything and removes the folder`);
}
