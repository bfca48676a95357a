/** The names of the attributes that OpenTelemetry has no name for. `docs/attributes.md` is made from this table; `node tools/attributes.ts` writes it. */
export const ownAttributes = {
  /** String. The action of a record. On a record that leaves the gateway. */
  action: 'countersign.action',
  /** String, hexadecimal. The SHA-256 digest of the public key of the authority that has signed the certificate of OpenSSH of a client. On the record that opens a channel. */
  clientCertificateAuthoritySha256: 'countersign.client_certificate.authority.sha256',
  /** String. What the authority calls the holder of a certificate of OpenSSH (`ssh-keygen -I`). On the record that opens a channel. */
  clientCertificateKeyId: 'countersign.client_certificate.key_id',
  /** String, a number. The serial number of a certificate of OpenSSH. On the record that opens a channel. */
  clientCertificateSerial: 'countersign.client_certificate.serial',
  /** String, hexadecimal. The SHA-256 digest of the certificate of OpenSSH that proved who the client is. On the record that opens a channel. */
  clientCertificateSha256: 'countersign.client_certificate.sha256',
  /** String, hexadecimal. The SHA-256 digest of the public key that proved who the client is. On the record that opens a channel. */
  clientKeySha256: 'countersign.client_key.sha256',
  /** Number. The channel of a record in its session. On a record that leaves the gateway. */
  channel: 'countersign.channel',
  /** String. The kind of a record. On a record that leaves the gateway. */
  kind: 'countersign.kind',
  /** List of strings. The policies that determined the verdict. On a record that leaves the gateway. */
  policies: 'countersign.policies',
  /** String, `LOG/INDEX`. The name of a record. On a record that leaves the gateway. */
  record: 'countersign.record',
  /** Number. Which root secret is in force: how many there were, this one included. On a record that it has changed, or what wraps it. */
  rootKey: 'countersign.root_key',
  /** String. What wraps the root secret: the kind, and its name of the key. */
  rootKeyProvider: 'countersign.root_key.provider',
  /** String. The public key with which the log is signed from then on, as a verifier key. On a record that it has changed. */
  signingKey: 'countersign.signing_key',
  /** Number. The number of a record in its session. On a record that leaves the gateway. */
  seq: 'countersign.seq',
  /** String: `allow`, `deny` or `hold`. On a record that leaves the gateway. */
  verdict: 'countersign.verdict',
  /** String, JSON. The records whose content a second person opened, as a query. On the record of that. */
  accessOpened: 'countersign.access.opened',
  /** String. The id of an opening of content that nobody reads alone. On the records that somebody asks for it and that a second person opens it. */
  accessOpening: 'countersign.access.opening',
  /** String. The session that somebody read, as 32 hexadecimal digits. On a record of kind `access`. */
  accessSession: 'countersign.access.session',
  /** String. The way in which somebody read a session: `show`, `export` and others. On a record of kind `access`. */
  accessWhat: 'countersign.access.what',
  /** String. The principal to whom an alert was assigned. */
  alertAssignee: 'countersign.alert.assignee',
  /** List of strings, each `FIELD=VALUE`. What the records of an alert have in common; `others` if it stands for many of these. */
  alertBy: 'countersign.alert.by',
  /** String. The id of an alert. */
  alertId: 'countersign.alert.id',
  /** List of strings, each `LOG/INDEX`. Some of the records that an alert is about, the last of them last. */
  alertRecords: 'countersign.alert.records',
  /** String. The name of the rule that raised an alert. */
  alertRule: 'countersign.alert.rule',
  /** List of strings. The sinks that get a notice of the alert. */
  alertSinks: 'countersign.alert.sinks',
  /** Number. The index in the log of the last record that an alert counts. */
  alertThrough: 'countersign.alert.through',
  /** String. The id of a passkey (WebAuthn), in base64url. On a record that it was added, used or removed. */
  passkey: 'countersign.passkey',
  /** String, `LOG/INDEX`. The record that an approval was asked for. On the record that it was used. */
  approvalAskedRecord: 'countersign.approval.asked_record',
  /** String. The session in which an approval was asked for, as 32 hexadecimal digits. On the record that it was used, which may be in another session. */
  approvalAskedSession: 'countersign.approval.asked_session',
  /** List of strings. The groups by which who asked let the request go on without its approval, in an emergency. */
  approvalBreakGlass: 'countersign.approval.break_glass',
  /** String. The principal that took the step of an approval: who granted or denied it. Absent for a step of the gateway itself. */
  approvalBy: 'countersign.approval.by',
  /** String, hexadecimal. The SHA-256 digest of the request that an approval is for: of who asks, of whom, for what, and of the exact bytes. */
  approvalDigest: 'countersign.approval.digest',
  /** Number. How many rows the request would change, as the target estimates. On a record of its own, made when the target had answered. */
  approvalEstimatedRows: 'countersign.approval.estimated_rows',
  /** Boolean, true. The gateway itself asks the target how many rows the request would change. */
  approvalEstimates: 'countersign.approval.estimates',
  /** List of strings. The names that the directory of an issuer has for an account: its user name and its external id. On a record that the account was changed. */
  account: 'countersign.account',
  /** List of strings, each a principal or `operator`. Who granted an approval, on the record that it was used: for each group another one, in the order of `countersign.approval.groups`. */
  approvalGrantedBy: 'countersign.approval.granted_by',
  /** List of strings. What each of `countersign.approval.granted_by` added, empty if nothing. A long note is cut; its own record has all of it. */
  approvalGrantedNotes: 'countersign.approval.granted_notes',
  /** List of strings, each `LOG/INDEX`. The records of the grants of `countersign.approval.granted_by`. */
  approvalGrantedRecords: 'countersign.approval.granted_records',
  /** List of strings, ISO 8601 in UTC. When each of `countersign.approval.granted_by` granted. */
  approvalGrantedTimes: 'countersign.approval.granted_times',
  /** List of strings. The groups of which one person each must grant an approval; on a grant, those for which somebody has granted. */
  approvalGroups: 'countersign.approval.groups',
  /** String. The id of an approval. */
  approvalId: 'countersign.approval.id',
  /** String. What the person who granted or denied an approval added, or why the gateway withdrew it. */
  approvalNote: 'countersign.approval.note',
  /** String, `LOG/INDEX`. The record of the request that an approval is for. On a record in another session than the request. */
  approvalRecord: 'countersign.approval.record',
  /** String. The session of the request that an approval is for. On a record in another session than the request. */
  approvalSession: 'countersign.approval.session',
  /** String. The state of an approval after a step: `waiting`, `granted`, `spent`, `denied`, `expired` or `withdrawn`. */
  approvalState: 'countersign.approval.state',
  /** Number. The sequence number of the record of the answer in which values were masked. On a record of kind `mask`. */
  answer: 'countersign.answer',
  /** Boolean, false. The arguments of the call are too long to be an attribute, so no policy saw them. They are in the content. */
  argumentsFit: 'countersign.arguments_fit',
  /** String, always `target`. The request was made by the target, to the client. */
  askedBy: 'countersign.asked_by',
  /** Number. The sequence number of the client's request in whose answer the target made this request. */
  askedWithin: 'countersign.asked_within',
  /** Number, bytes. How many bytes at the beginning of the record's content belong to a protocol message that began in the record before. */
  begunBytes: 'countersign.begun_bytes',
  /** Boolean, true. The text continues that of the record before it of the same request or answer. There is no line end between them. */
  begunText: 'countersign.begun_text',
  /** String, hexadecimal. The SHA-256 digest of the path of the directory to which a backup went. */
  backupDirectory: 'countersign.backup.directory',
  /** List of strings, each a recipient of age. For whom keys and tokens are encrypted in a backup. Absent: they are not. */
  backupRecipients: 'countersign.backup.recipients',
  /** Number. How many records the log had when the backup began. */
  backupRecords: 'countersign.backup.records',
  /** Number. The sequence number of the record with the Bind message that this execution uses. */
  bind: 'countersign.bind',
  /** List of strings, each `CLASS PRINT LOG/INDEX SOURCE`. The first 100 values in the request that the session saw before: the record of the answer in which each came first, and where it came from. */
  carried: 'countersign.carried',
  /** List of strings. The data classes, and the sources, of values in the request that the session saw before. */
  carries: 'countersign.carries',
  /** Number. The sequence number of the request whose span this request names as its parent (`traceparent`). */
  causedBy: 'countersign.caused_by',
  /** List of strings, each `NAME=VALUE`. The values in the JSON body of an HTTP request that the target's option `body` names. A value is JSON: a text, a number or a boolean. */
  body: 'countersign.body',
  /** Boolean. False if the body of an HTTP request is not JSON that all parsers read alike, so that `countersign.body` lacks its values. */
  bodyReadable: 'countersign.body_readable',
  /** String. The session of a run that was started inside this one, as 32 hexadecimal digits. */
  childSession: 'countersign.child_session',
  /** List of strings. The data classes of the values that were found. */
  classes: 'countersign.classes',
  /** List of strings, each `NAME=VALUE`. What the client says of its own software, as `user_agent.original`, `application_name` or `clientInfo.name`: its own claim, which nobody checks and no decision depends on. On the record that opens a channel; of MCP, on each request that has it. */
  clientClaims: 'countersign.client.claims',
  /** String. The `client_encoding` of a PostgreSQL connection as the target reports it. Absent for UTF-8. */
  clientEncoding: 'countersign.client_encoding',
  /** String. Why the session was closed. On a record of kind `close`. */
  closeReason: 'countersign.close.reason',
  /** List of strings, each `schema.table.column`. The columns that a statement names. `*` stands for any column of its tables. */
  columns: 'countersign.columns',
  /** String, hexadecimal. The SHA-256 digest of the configuration file that is in force. On a record that states an environment. */
  configurationSha256: 'countersign.configuration.sha256',
  /** Boolean, true. The next part of the same request or answer follows in a later record. */
  continues: 'countersign.continues',
  /** Number, bytes. How long the content is of which policy keeps the facts alone. On each record whose content was not kept. */
  contentBytes: 'countersign.content_bytes',
  /** Number. How many events the record stands for. */
  count: 'countersign.count',
  /** List of strings. The attributes that were cut because they were too long, each as `NAME COUNT sha256:HEX`. COUNT is of values or of characters; the digest is over the whole value as JSON. */
  cut: 'countersign.cut',
  /** List of strings. The places of an answer that hold an address of the target itself, which does not lead through the gateway, each with the beginning of that address. */
  directUrls: 'countersign.direct_urls',
  /** Number, milliseconds. The time from the request to the end of its answer. */
  durationMs: 'countersign.duration_ms',
  /** String, `LOG/INDEX`. The record of an export whose events are attested, after which their chain is named. On the record that this export has ended. */
  exportChain: 'countersign.export.chain',
  /** Number. How many events an export had that are attested. On the record that this export has ended. */
  exportEvents: 'countersign.export.events',
  /** String, hexadecimal digits. The fingerprint of the last event of an export, as SHA-256. On the record that this export has ended. */
  exportFingerprint: 'countersign.export.fingerprint',
  /** Number. The index in the log of the first record that a sink gets. */
  feedFrom: 'countersign.feed.from',
  /** List of strings, each `LOG/INDEX`. The records that a sink refused for ever. */
  feedRecords: 'countersign.feed.records',
  /** Number. How many more tokens a request to a model and its answer are estimated to have than the target said: a quarter of their characters. Some streams do not say it, and a client may leave before. */
  estimatedTokens: 'countersign.estimated_tokens',
  /** List of strings: `read`, `write`, `define`, `destroy`, `execute`, `administer`, `unknown`. What the request does at most. With `unknown` it may do anything else too. */
  effects: 'countersign.effects',
  /** Number. The sequence number of the record that states the environment in which this one was made: software, configuration and policies. */
  environment: 'countersign.environment',
  /** List of strings, each `schema.table.column`. The columns on which it depends which rows a statement has, and in which order. `*` stands for any. */
  filtersOn: 'countersign.filters_on',
  /** Number, MiB. Where in the file a read or a write begins, in whole MiB. */
  fileOffsetMebibytes: 'countersign.file.offset_mebibytes',
  /** String. The second path of an operation on files: the new name, or where a link leads. */
  fileOtherPath: 'countersign.file.other_path',
  /** Number. How many bytes were read from a file while it was open. On the record that it was closed. */
  fileReadBytes: 'countersign.file.read.bytes',
  /** List of strings, each `START-END`. Which bytes were read from a file, in the order in which they came; END is not read. Absent if there are more than 64. */
  fileReadRanges: 'countersign.file.read.ranges',
  /** String, hexadecimal. The SHA-256 digest of what was read from a file, in the order of its ranges: that of the file if the only range is all of it. */
  fileReadSha256: 'countersign.file.read.sha256',
  /** Number. How many bytes were written to a file while it was open. On the record that it was closed. */
  fileWrittenBytes: 'countersign.file.written.bytes',
  /** List of strings, each `START-END`. Which bytes of a file were written, in the order in which the target confirmed it; END is not written. Absent if there are more than 64. */
  fileWrittenRanges: 'countersign.file.written.ranges',
  /** String, hexadecimal. The SHA-256 digest of what was written to a file, in the order of its ranges: that of the file if the only range is all of it. */
  fileWrittenSha256: 'countersign.file.written.sha256',
  /** Number, milliseconds. The time from the request to the head of its answer. */
  firstByteMs: 'countersign.first_byte_ms',
  /** String, ISO 8601 in UTC. The time of the first event that the record counts. */
  firstTime: 'countersign.first_time',
  /** List of strings, each `CLASS PRINT LOG/INDEX SOURCE`. Values of an answer that are followed from now on; the print is keyed, and the same for the same value. On a record of its own, tied to the answer. */
  followed: 'countersign.followed',
  /** Boolean, true. The session saw more values than are followed, from this record on. */
  followedIsCut: 'countersign.followed_is_cut',
  /** List of strings, each `schema.function`, or the name as it is written if its schema is not known. The functions that a statement calls. */
  functions: 'countersign.functions',
  /** Boolean. False if a statement of the request is an UPDATE or DELETE without a WHERE, or with one that holds for every row. */
  hasWhere: 'countersign.has_where',
  /** Number. The approvals of earlier sessions of the activity that this session continues. */
  historyApprovals: 'countersign.history.approvals',
  /** Number. The bytes of answers of earlier sessions of the activity that this session continues. */
  historyBytes: 'countersign.history.bytes',
  /** List of strings. The data classes that earlier sessions of the activity saw. */
  historyClasses: 'countersign.history.classes',
  /** Number. The denied requests of earlier sessions of the activity that this session continues. */
  historyDenials: 'countersign.history.denials',
  /** List of strings, each `CLASS PRINT LOG/INDEX SOURCE`. The values that earlier sessions of the activity saw and that are followed, in as many records as they need. */
  historyFollowed: 'countersign.history.followed',
  /** Boolean, true. Earlier sessions saw more values than are followed. */
  historyFollowedIsCut: 'countersign.history.followed_is_cut',
  /** Boolean, true. Earlier sessions used more tables than are remembered, so `countersign.history.tables` lacks some. */
  historyIsCut: 'countersign.history.is_cut',
  /** Number. The requests of earlier sessions of the activity that this session continues. */
  historyRequests: 'countersign.history.requests',
  /** Number. The rows that earlier sessions of the activity that this session continues were given. */
  historyRows: 'countersign.history.rows',
  /** List of strings, each `TARGET/SCHEMA.TABLE`. The tables that earlier sessions of the activity used, in as many records as they need. */
  historyTables: 'countersign.history.tables',
  /** List of strings. The targets that earlier sessions of the activity used. */
  historyTargets: 'countersign.history.targets',
  /** Number. The tokens of models that earlier sessions of the activity used. */
  historyTokens: 'countersign.history.tokens',
  /** List of strings. The trailers of an HTTP message, each as `NAME: VALUE`. */
  httpTrailers: 'countersign.http.trailers',
  /** List of strings. The ids in the messages that differ in each run. A comparison of runs replaces them by the same names. */
  ids: 'countersign.ids',
  /** Number. How many answers to questions of the target the request of MCP brings. */
  inputResponses: 'countersign.input_responses',
  /** Boolean, false. The target's values are to be inspected, and those of the record could not be. */
  inspected: 'countersign.inspected',
  /** Boolean, false. What is shown of the record lacks something: it exceeds a limit, it could not be read, or it needs a record that is not available. */
  isWhole: 'countersign.is_whole',
  /** String. The address of the issuer that vouched for the principal: the claim `iss` of its token. On the record that the token was accepted, and on that which opens a channel. */
  issuer: 'countersign.issuer',
  /** String, ISO 8601 in UTC. The time of the last event that the record counts. */
  lastTime: 'countersign.last_time',
  /** List of strings, each `CLASS SOURCE`. Values that went to a target for the first time in the session, although they came from another one. On a record of kind `alert` that no policy asked for. */
  leak: 'countersign.leak',
  /** List of strings. The ids of the tool calls that this request probably carries out, judged by time and content. */
  likelyToolCalls: 'countersign.likely_tool_calls',
  /** List of strings, each `CLASS=COUNT`. How many values of each data class were masked in the answer. */
  masked: 'countersign.masked',
  /** Number. How many times a token of the session was replaced by `REDACTED` in the record. */
  maskedTokens: 'countersign.masked_tokens',
  /** List of strings, each `CLASS METHOD DIGEST PLACE`. The first 100 values that were masked; the digest is keyed, and the same for the same value; the place is a column or a member, if it is known. On a record of kind `mask`. */
  maskedValues: 'countersign.masked.values',
  /** String, JSON. The `_meta` of a request of MCP. */
  mcpMeta: 'countersign.mcp_meta',
  /** String. The session in which the activity of this one continues, as 32 hexadecimal digits. */
  nextSession: 'countersign.next_session',
  /** String. The id of a notice, by which its receiver knows it (`webhook-id`). On a record about what became of the notice. */
  notice: 'countersign.notice',
  /** List of strings. What the decision demands beside its verdict, each as `KIND NAME=VALUE ...`. */
  obligations: 'countersign.obligations',
  /** String, `VERDICT by POLICIES: REASON`. What would have been decided if the policies that are only observed were enforced. Absent: the same. */
  observed: 'countersign.observed',
  /** String. The principal on whose behalf the client acts. */
  onBehalfOf: 'countersign.on_behalf_of',
  /** Number. The sequence number of the record that opened the channel, and has the tags of its target and what the client said of itself. After a change of the tags: that of the record that states them, with the same of the client. */
  opening: 'countersign.opening',
  /** String. The principal, or `operator`, who opened the session of a run. */
  openedBy: 'countersign.opened_by',
  /** String, hexadecimal. The SHA-256 digest of a body as the target sent it, where the gateway changed addresses in it. Absent if texts of the answer are masked. */
  originalBodySha256: 'countersign.original_body.sha256',
  /** List of strings. Models, besides the one that the request names, that may answer or that the provider may ask. */
  otherModels: 'countersign.other_models',
  /** String. What a request of MCP came to: `result`, `tool_error`, `error`, `input_required`, `unread` (the answer could not be read) or `none` (there was no answer). */
  outcome: 'countersign.outcome',
  /** List of strings. Phrases in the messages that differ in each run and mean nothing. A comparison of runs leaves them out. */
  ownWords: 'countersign.own_words',
  /** String. The session of the run inside which this run was started, as 32 hexadecimal digits. */
  parentSession: 'countersign.parent_session',
  /** Number. The sequence number of the record with the Parse message that this execution uses. */
  parse: 'countersign.parse',
  /** Number. How many rows are in this part of an answer that has several. The last part has all in `db.response.returned_rows` too. */
  partRows: 'countersign.part_rows',
  /** List of strings: `text`, `image`, `audio`, `video`, `file`, `other`. The kinds of content that the request sends to a model. */
  modalities: 'countersign.modalities',
  /** List of strings, each a sequence number of the session. The records with the texts for which names in a statement stand (EXECUTE, FETCH, MOVE), or a name by which a message executes what SQL prepared. At most 16. */
  namedRecords: 'countersign.named_records',
  /** Boolean, false. A name in a statement may stand for another text than those of `countersign.named_records`, or for one of several. */
  namesAreSure: 'countersign.names_are_sure',
  /** String. The session whose activity this one continues, as 32 hexadecimal digits. */
  previousSession: 'countersign.previous_session',
  /** String. The version of the policies that decided, or that stay in force. */
  policyVersion: 'countersign.policy_version',
  /** String. The version of the policies that somebody put into force. */
  policyNewVersion: 'countersign.policy.new_version',
  /** String. The version of the policies that were in force before. */
  policyOldVersion: 'countersign.policy.old_version',
  /** String. The name of the file of policies that somebody saved. */
  policyFile: 'countersign.policy.file',
  /** String, hexadecimal. The SHA-256 digest of the file that somebody saved. */
  policyFileSha256: 'countersign.policy.file_sha256',
  /** String, hexadecimal. The SHA-256 digest of the file before; empty if it is new. */
  policyOldFileSha256: 'countersign.policy.old_file_sha256',
  /** String, hexadecimal. The id of the gateway that shares the store and did what this record tells: it has recorded it. */
  otherGateway: 'countersign.other_gateway',
  /** String. The principal to whom the token belongs; on the use of an approval, the one who asked; on the end of a saved search, the one who saved it. */
  principal: 'countersign.principal',
  /** String: `human` or `agent`. Whether a principal of an issuer is a person. Of a principal of the configuration, the configuration says it. */
  principalKind: 'countersign.principal_kind',
  /** String. The protocol by which a refused client came. */
  protocol: 'countersign.protocol',
  /** List of strings, each `MEMBER=ID`. What the provider keeps and adds to the prompt, so that it is not in the request. */
  providerContext: 'countersign.provider_context',
  /** List of strings, each `schema.table`. The tables that a statement reads. */
  reads: 'countersign.reads',
  /** String. The reason for the decision, or for the event. */
  reason: 'countersign.reason',
  /** List of strings, each `CODE: COUNT`. How often clients were refused for each reason. */
  reasons: 'countersign.reasons',
  /** String. The session of the gateway's own in which a model was asked what it thinks of a session. On the record of its suggestion. */
  reviewAsked: 'countersign.review.asked',
  /** List of strings, each a sequence number of the session. The records that a model names in its suggestion. */
  reviewFound: 'countersign.review.found',
  /** String: `low`, `medium` or `high`. The risk of a session as a model suggests it. Nothing depends on it. */
  reviewRisk: 'countersign.review.risk',
  /** Number. How many records the session had that was reviewed. On the record of a review. */
  reviewRecords: 'countersign.review.records',
  /** String. The session that somebody reviewed, as 32 hexadecimal digits. On the record of a review, and of a suggestion. */
  reviewSession: 'countersign.review.session',
  /** String. The name of a saved search. On the record that somebody saved or deleted it. */
  searchName: 'countersign.search.name',
  /** String. The query of a saved search. On the record that somebody saved it. */
  searchQuery: 'countersign.search.query',
  /** Number. The sequence number of the request that this record answers, continues or cancels, or that a decision is about. */
  request: 'countersign.request',
  /** List of strings. The places of an answer, headers and members, whose addresses the gateway changed so that they lead through it. */
  rewrittenUrls: 'countersign.rewritten_urls',
  /** List of strings, hexadecimal. The SHA-256 digest of each changed address as the target sent it, in the order of `countersign.rewritten_urls`. Absent if texts of the answer are masked. */
  rewrittenUrlsSha256: 'countersign.rewritten_urls.sha256',
  /** Number. The constant LIMIT of the only statement of the request. */
  rowsLimit: 'countersign.rows_limit',
  /** List of strings. The actions that the target asked of the client in an answer of MCP. */
  serverRequests: 'countersign.server_requests',
  /** String: `info`, `low`, `medium`, `high` or `critical`. How serious an alert is, as the policy says that asks for it. */
  severity: 'countersign.severity',
  /** String. The name of the sink that a notice is for, or that gets records. */
  sink: 'countersign.sink',
  /** String. The place to which a target is to connect for a client, as `HOST:PORT`. */
  destination: 'countersign.destination',
  /** String. The subsystem of SSH that is opened, such as `sftp`. */
  subsystem: 'countersign.subsystem',
  /** Boolean, true. PostgreSQL skipped the request, because one before it in the same pipeline failed. */
  skipped: 'countersign.skipped',
  /** List of strings. The tools that the request offers to a model and that the provider runs itself. */
  serverTools: 'countersign.server_tools',
  /** List of strings. The kinds of statements of the request, also of those in WITH and in bodies of functions: `select`, `create_table` and others. */
  statements: 'countersign.statements',
  /** String. The sign-in at an issuer that the issuer ended: the claim `sid`. */
  signIn: 'countersign.sign_in',
  /** String. How the issuer of its token knows the principal: the claim `sub`. On the record that the token was accepted, and on that which opens a channel. */
  subject: 'countersign.subject',
  /** String. How the issuer knows whom the principal acts on behalf of: the claim `sub` of a token with `act`. On the record that the token was accepted, and on that which opens a channel. */
  subjectOnBehalfOf: 'countersign.subject.on_behalf_of',
  /** List of strings. The keys that a command of Redis names, and the channels. Absent where they cannot all be found. */
  keys: 'countersign.keys',
  /** String. The longest text with which all keys begin that a command of Redis touches. Absent where it may touch others than it names. */
  keyPrefix: 'countersign.key_prefix',
  /** String. The group of the Kubernetes API, such as `apps`; absent for the core group. */
  clusterApiGroup: 'countersign.cluster.api_group',
  /** Boolean, true. A request to a Kubernetes API that is tried alone: what it would change stays as it is. */
  clusterDryRun: 'countersign.cluster.dry_run',
  /** String. The name of the object at a Kubernetes API. Absent where the request is about several, or the API makes the name. */
  clusterName: 'countersign.cluster.name',
  /** String. The namespace at a Kubernetes API. Absent where the request is about all of them, or about what is in none. */
  clusterNamespace: 'countersign.cluster.namespace',
  /** String. The kind of resource at a Kubernetes API, in the plural: `pods`. */
  clusterResource: 'countersign.cluster.resource',
  /** String. The part of an object at a Kubernetes API that a request is about: `log`, `exec`, `scale`. */
  clusterSubresource: 'countersign.cluster.subresource',
  /** String. What a request does, in the word of Kubernetes's own authorization: `get`, `list`, `deletecollection`. */
  clusterVerb: 'countersign.cluster.verb',
  /** String. A summary, which is shown in place of a text of little interest unless the whole text is asked for. */
  summary: 'countersign.summary',
  /** String, hexadecimal. The SHA-256 digest of the system instructions, whose texts are joined by line ends. */
  systemInstructionsSha256: 'countersign.system_instructions.sha256',
  /** List of strings, each `schema.table`. The tables that a statement reads or changes. */
  tables: 'countersign.tables',
  /** String. The user of the target as whom the gateway logs in, where a client may choose. */
  targetUser: 'countersign.target.user',
  /** String. The target that a refused client asked for, or the target that `countersign.told` is about: its name, or `SCHEME://HOST:PORT`. */
  target: 'countersign.target',
  /** List of strings, each `NAME=VALUE`. The tags of the target, by which policies may speak of it. On the record that opens a channel, and on one of the channel (`gateway.change_environment`) before the first record after a change. */
  targetTags: 'countersign.target.tags',
  /** String. The id of the task that a request of MCP is about. */
  task: 'countersign.task',
  /** String, `COLUMNSxROWS`. The size of the terminal in which a program runs from then on. */
  terminalSize: 'countersign.terminal_size',
  /** String, ISO 8601 in UTC. The time of the act, which may be long before that of its record. */
  time: 'countersign.time',
  /** String, ISO 8601 in UTC. When the token of an issuer ends. On the record that it was accepted. */
  tokenExpires: 'countersign.token.expires',
  /** String. The public id of a token. */
  tokenId: 'countersign.token.id',
  /** List of strings, each `KEY VALUE`. What was learned of a target. The protocol gets the last value of each key back at the next start (`Protocol.recall`). */
  told: 'countersign.told',
  /** Boolean, true. The definition of the called tool is not the one that was pinned. */
  toolChanged: 'countersign.tool_changed',
  /** String, hexadecimal. The SHA-256 digest of the definition of the called tool, as the target listed it. */
  toolDigest: 'countersign.tool_digest',
  /** String, hexadecimal. The digest of a tool's definition after the target changed it. */
  toolDigestAfter: 'countersign.tool_digest.after',
  /** String, hexadecimal. The digest of a tool's definition before the target changed it. */
  toolDigestBefore: 'countersign.tool_digest.before',
  /** List of strings, each `NAME DIGEST`. The tools that an answer of MCP lists, up to a limit. */
  toolDigests: 'countersign.tool_digests',
  /** Number. How many records of the log the authority of timestamps has stamped. On a record that there are timestamps again. */
  timestampSize: 'countersign.timestamp.size',
  /** List of strings, each `NAME=BOOLEAN`. What the target claims of the called tool, as `readOnlyHint=true`. */
  toolHints: 'countersign.tool_hints',
  /** Boolean, true. The definition of the called tool is the one that was pinned. */
  toolPinned: 'countersign.tool_pinned',
  /** Number. How many tools an answer of MCP lists. */
  tools: 'countersign.tools',
  /** String, W3C Trace Context. The trace into which the client puts its request. It is the client's own claim: it is recorded and shown, and no decision depends on it. */
  traceparent: 'countersign.traceparent',
  /** Boolean, true. The request was refused before it was decided on, because what is needed for that was still being read. It counts as no denial. */
  undecided: 'countersign.undecided',
  /** Number. How many events of a streamed answer could not be read. */
  unreadEvents: 'countersign.unread_events',
  /** Number. How many messages of MCP in an answer could not be read. */
  unreadMessages: 'countersign.unread_messages',
  /** Number. How many tools in a list of MCP could not be read. */
  unreadTools: 'countersign.unread_tools',
  /** String. The beginning of the addresses that lead through the gateway, in the head of an answer in which it changed addresses. */
  way: 'countersign.way',
  /** Boolean. Whether the frame of a WebSocket is the last one of its message. */
  websocketFinal: 'countersign.websocket.final',
  /** String, 8 hexadecimal digits. The mask of a frame of a WebSocket. On each record but the first of a frame that is in several. */
  websocketMask: 'countersign.websocket.mask',
  /** Number, bytes. Where the bytes of the record begin in the payload of their frame. On each record but the first of a frame that is in several. */
  websocketOffset: 'countersign.websocket.offset',
  /** String. The kind of a frame of a WebSocket: `text`, `binary`, `continuation`, `ping`, `pong` or `close`. */
  websocketOpcode: 'countersign.websocket.opcode',
  /** String. The name of a witness in the policy of witnesses. On a record that it is missing, is there again, or has seen another log. */
  witness: 'countersign.witness',
  /** Number. How many records of the log the quorum of witnesses has cosigned. On a record that it is missing, or is there again. */
  witnessSize: 'countersign.witness.size',
  /** String. Why a body is not shown: `erased` (its key was destroyed), `mismatch` (it is not what the leaf commits to), `not_in_bundle`, or `not_kept` (by policy, only the facts were). */
  withheld: 'countersign.withheld',
  /** Boolean, true. The act was done on this machine while no gateway ran. */
  withoutGateway: 'countersign.without_gateway',
  /** List of strings, each `schema.table`. The tables that a statement changes in any way: their rows, their definition or their locks. */
  writes: 'countersign.writes',
} as const;
