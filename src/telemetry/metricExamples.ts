/** Questions that operators have, and what to ask Prometheus then. */
export const METRIC_EXAMPLES: readonly { readonly question: string; readonly query: string }[] = [
  {
    question: 'What share of the I/O is reads, by target?',
    query: `sum by (target) (rate(sangate_commands_total{class="read"}[5m]))
  / sum by (target) (rate(sangate_commands_total{class=~"read|write"}[5m]))`,
  },
  {
    question: 'Who writes most, in bytes a second?',
    query: 'topk(10, sum by (initiator) (rate(sangate_command_bytes_total{class="write"}[5m])))',
  },
  {
    question: 'How slow are the slowest 1 % of reads, by LUN?',
    query: `histogram_quantile(0.99,
  sum by (target, lun, le) (rate(sangate_command_duration_seconds_bucket{class="read"}[5m])))`,
  },
  {
    question: 'Is it the array? Its share of the time that commands take:',
    query: `sum by (target) (rate(sangate_command_target_duration_seconds_sum[5m]))
  / sum by (target) (rate(sangate_command_duration_seconds_sum[5m]))`,
  },
  {
    question: 'Is it the gateway? Its own time for a command, in seconds:',
    query: `sum(rate(sangate_command_gateway_seconds_total[5m]))
  / sum(rate(sangate_commands_total[5m]))`,
  },
  {
    question: 'Is it the way to the initiator? How long the data of an R2T takes:',
    query: `sum by (initiator) (rate(sangate_r2t_wait_seconds_total[5m]))
  / sum by (initiator) (rate(sangate_r2t_total[5m]))`,
  },
  {
    question: 'How much of it is sequential?',
    query: `sum by (target, lun) (rate(sangate_sequential_commands_total[5m]))
  / sum by (target, lun) (rate(sangate_commands_total{class=~"read|write"}[5m]))`,
  },
  {
    question: 'What goes wrong, and how?',
    query: 'sum by (target, lun, status, sense_key) (increase(sangate_command_failures_total[1h])) > 0',
  },
  {
    question: 'Who asks for what it does not get?',
    query: 'sum by (initiator, target, kind) (increase(sangate_denials_total{enforced="true"}[1h])) > 0',
  },
  {
    question:
      'Which side does not take what the other one sends? The share of time in which the other was not read:',
    query: 'sum by (initiator, target, side) (rate(sangate_backpressure_seconds_total[5m]))',
  },
  {
    question: 'Why are logins denied?',
    query: 'sum by (reason) (increase(sangate_logins_total{result="denied"}[1h])) > 0',
  },
  {
    question: 'How many days are left until a certificate or a CRL ends?',
    query: 'min by (what, listener) (sangate_not_after_timestamp_seconds - time()) / 86400',
  },
];
