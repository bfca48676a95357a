/** The records that show something, by the names that reports use. */

interface Evidence {
  readonly shows: string;
  /** The records, in the language of searches. */
  readonly query: string;
  /** Says how it is to be understood that there is no such record. */
  readonly absent: string;
}

export const evidence = {
  requests: {
    shows: 'Requests to targets, each with who asked, when, and what was decided',
    query: 'kind:request',
    absent: 'No request is on record: nobody used a target through this gateway, or its records have expired.',
  },
  prompts: { shows: 'Prompts to models', query: 'kind:prompt', absent: 'That a model was asked through this gateway is not on record.' },
  outputs: { shows: 'Answers of models', query: 'kind:output', absent: 'That a model answered through this gateway is not on record.' },
  tools: { shows: 'Calls of tools', query: 'kind:tool', absent: 'That a tool was called through this gateway is not on record.' },
  changes: {
    shows: 'What was written, defined or destroyed at targets',
    query: 'kind:change verdict:allow',
    absent: 'No change through this gateway is on record.',
  },
  definitions: {
    shows: 'Tables, rights and other objects of targets that were created, changed or dropped',
    query: 'kind:request effect:(define or administer or destroy) verdict:allow',
    absent: 'That an object of a target was created, changed or dropped through this gateway is not on record.',
  },
  classes: {
    shows: 'Answers with values of data classes',
    query: 'kind:response class:*',
    absent: 'No value of a data class was found. Values are looked for only at targets with inspect, or where a policy masks or asks for classes.',
  },
  cards: {
    shows: 'Requests and answers with numbers of payment cards',
    query: 'class:card',
    absent: 'No number of a payment card was found. Values are looked for only at targets with inspect, or where a policy masks or asks for classes.',
  },
  masked: {
    shows: 'Values that were masked',
    query: 'masked:*',
    absent: 'Nothing was masked: no policy with @mask or @mask_request applied.',
  },
  logins: {
    shows: 'Identities that were accepted at the door of a target, and sign-ins of people at the gateway',
    query: 'action:(gateway.authenticate or gateway.sign_in) verdict:allow',
    absent: 'That somebody came in is not on record.',
  },
  failedLogins: {
    shows: 'Logins that were refused',
    query: 'action:(gateway.authenticate or gateway.sign_in) verdict:deny',
    absent: 'No refused login is on record.',
  },
  denials: {
    shows: 'Requests that were denied',
    query: 'kind:request verdict:deny',
    absent: 'No denied request is on record: whether policies would deny one, countersign policy test shows.',
  },
  approvals: {
    shows: 'Approvals: who asked, who granted or denied, and what became of it',
    query: 'kind:approval',
    absent: 'Nothing was held for people: no policy with @approval applied.',
  },
  emergencies: {
    shows: 'Requests that went on without their approval, in an emergency',
    query: 'kind:approval countersign.approval.break_glass:*',
    absent: 'That somebody used this is not on record.',
  },
  credentials: {
    shows: 'Tokens and passkeys that were made, revoked or removed, and principals that were suspended or let in again',
    query:
      'action:(gateway.create_token or gateway.revoke_token or gateway.invite_administrator or gateway.add_passkey or gateway.remove_passkey or gateway.suspend_principal or gateway.resume_principal)',
    absent: 'No credential was made or ended here. Those of an issuer are made and ended there.',
  },
  leavers: {
    shows: 'Accounts that an issuer activated, deactivated or removed, and sign-ins that were ended',
    query: 'action:(gateway.activate_account or gateway.deactivate_account or gateway.remove_account or gateway.end_sign_ins)',
    absent: 'No issuer told of a leaver: that needs SCIM or back-channel logout.',
  },
  administration: {
    shows: 'Acts of administrators on the gateway itself',
    query:
      'action:(gateway.apply_config or gateway.save_policy or gateway.back_up or gateway.run_retention or gateway.rebuild_index or gateway.create_token or gateway.revoke_token or gateway.suspend_principal or gateway.resume_principal or gateway.invite_administrator or gateway.remove_passkey or gateway.rotate_root_key or gateway.rotate_signing_key)',
    absent: 'No act of an administrator is on record.',
  },
  policies: {
    shows: 'The policies in force, with their text, and each change of them',
    query: 'kind:policy or action:(gateway.change_policies or gateway.save_policy or gateway.refuse_policy)',
    absent: 'The policies did not change in this time. Those before it are in an earlier record of kind policy.',
  },
  environments: {
    shows: 'Which software, configuration and policies made the records that follow',
    query: 'action:gateway.change_environment',
    absent: 'No session stated another environment than it began with.',
  },
  readings: {
    shows: 'Who searched, read or exported records',
    query: 'kind:access',
    absent: 'Nobody read a record over the API. Who has the files and the root key can read without a record.',
  },
  guardedContent: {
    shows: 'Content that one person asked for and a second one opened',
    query: 'action:(gateway.ask_content or gateway.open_content)',
    absent: 'Nobody asked for content that two persons open.',
  },
  toolChanges: {
    shows: 'Definitions of tools that a target has changed',
    query: 'countersign.tool_digest.after:*',
    absent: 'That a target changed the definition of a tool is not on record.',
  },
  alerts: { shows: 'Alerts', query: 'kind:alert', absent: 'No alert is on record: no rule was met, or the rules are switched off.' },
  alertActs: {
    shows: 'What people did with alerts',
    query: 'action:(gateway.acknowledge_alert or gateway.assign_alert or gateway.close_alert)',
    absent: 'Nobody acknowledged, took over or closed an alert.',
  },
  reviews: {
    shows: 'Sessions that a person reviewed and signed for',
    query: 'action:gateway.review_session',
    absent: 'Nobody signed for a session: countersign review list says which are to be reviewed.',
  },
  halts: {
    shows: 'Sessions that were halted, and principals that were suspended',
    query: 'action:gateway.suspend_principal or countersign.close.reason:halted',
    absent: 'That something was halted is not on record.',
  },
  starts: {
    shows: 'Starts and stops of recording, and times in which the machine stood still',
    query: 'kind:(epoch or seal or pause)',
    absent: 'No start and no stop is on record in this time.',
  },
  pauses: {
    shows: 'Jumps of the clock, and times in which the machine stood still',
    query: 'kind:pause',
    absent: 'No jump of the clock and no standstill is on record.',
  },
  troubles: {
    shows: 'Troubles of the record itself, and of what it depends on',
    query:
      'kind:incident or action:(gateway.lose_store or gateway.find_store or gateway.lose_revocations or gateway.delay_archive or gateway.resume_archive or gateway.delay_feed or gateway.resume_feed or gateway.drop_feed or gateway.lose_quorum or gateway.find_quorum or gateway.lose_timestamps or gateway.find_timestamps)',
    absent: 'No trouble is on record. Recording itself may have failed: then heartbeats are missing, which countersign verify finds.',
  },
  keeping: {
    shows: 'For how long which class is kept, as the log has stated it',
    query: 'kind:keep',
    absent: 'The rules did not change in this time. Those before it are in an earlier record of kind keep.',
  },
  keys: {
    shows: 'Root secrets and signing keys that were rotated or taken into use, and a root key that was lost and found',
    query:
      'action:(gateway.rotate_root_key or gateway.use_root_key or gateway.lose_root_key or gateway.find_root_key or gateway.rotate_signing_key or gateway.use_signing_key)',
    absent: 'That a key was rotated or lost is not on record in this time.',
  },
  reconciled: {
    shows: 'Comparisons with what targets count themselves',
    query: 'kind:reconcile',
    absent: 'No target was compared, so it is not shown that nothing went past the gateway: countersign reconcile compares PostgreSQL and providers of models.',
  },
  erasures: {
    shows: 'What was deleted, by which rule, and that it is done',
    query: 'kind:erasure',
    absent: 'No deletion is on record.',
  },
  holds: { shows: 'Holds that were set and released', query: 'kind:hold', absent: 'No hold is on record.' },
  backups: {
    shows: 'Backups',
    query: 'action:gateway.back_up',
    absent: 'No backup was made with countersign backup. Copies that are made otherwise are not on record.',
  },
  witnesses: {
    shows: 'Changes in what witnesses cosign',
    query: 'action:(gateway.lose_quorum or gateway.find_quorum or gateway.lose_witness or gateway.find_witness or gateway.dispute_log)',
    absent: 'No change is on record: either all witnesses cosigned, or there are none.',
  },
} as const satisfies Readonly<Record<string, Evidence>>;

export type EvidenceName = keyof typeof evidence;
