// Every refusal we foresee, in one closed list: the code that travels, what it means, and what to do about it.
// docs/reference/reason-codes.md is generated from here; a test keeps it true.

/** Where a refusal can be met: at CONNECT, while enrolling, on a live MQTT connection, or at the admin API. */
export type FaultScope = "connect" | "enroll" | "mqtt" | "admin";

interface FaultEntry {
  readonly scope: FaultScope;
  /** What it means, for an operator. */
  readonly meaning: string;
  /** What to do next. */
  readonly remedy: string;
}

const connect = (meaning: string, remedy: string): FaultEntry => ({ scope: "connect", meaning, remedy });
const enroll = (meaning: string, remedy: string): FaultEntry => ({ scope: "enroll", meaning, remedy });
const mqtt = (meaning: string, remedy: string): FaultEntry => ({ scope: "mqtt", meaning, remedy });
const admin = (meaning: string, remedy: string): FaultEntry => ({ scope: "admin", meaning, remedy });

const ENTRIES = {
  // --- at CONNECT ---
  certificate_missing: connect(
    "The client presented no certificate.",
    "Configure the client with its certificate and private key.",
  ),
  certificate_unknown: connect(
    "The certificate is not in this installation's registry.",
    "Check that the device talks to the right server, or provision it again with its claim.",
  ),
  certificate_pending: connect(
    "The certificate was issued but its ownership token has not been redeemed.",
    "Finish the provisioning with RegisterThing on the claim connection, then connect with this certificate.",
  ),
  certificate_inactive: connect(
    "The certificate is registered but inactive.",
    "Activate it, or provision the device again.",
  ),
  certificate_revoked: connect(
    "The certificate was revoked.",
    "Release the thing (`fleetmint thing release NAME`) and provision the device again with its claim.",
  ),
  certificate_expired: connect(
    "The certificate's validity has ended.",
    "Provision the device again; renewal must happen before expiry.",
  ),
  certificate_not_yet_valid: connect("The certificate's validity has not begun.", "Check the server's clock."),
  claim_disabled: connect("The claim was disabled.", "Give the device a current claim (`fleetmint claim create`)."),
  claim_suspended: connect(
    "The claim is suspended because a threshold of its passport was passed.",
    "Look at `fleetmint claim audit`, then `fleetmint claim resume` or `claim disable`.",
  ),
  claim_expired: connect("The claim's validity has ended.", "Rotate the claim (`fleetmint claim rotate`)."),
  claim_not_yet_valid: connect("The claim's validity has not begun.", "Wait, or create a claim that is valid now."),
  claim_network_refused: connect(
    "The device connects from a network outside the claim's passport.",
    "Provision it in the named network, or create a claim with `--from CIDR` for this one.",
  ),
  claim_client_id_busy: connect(
    "Another connection with this claim and this client id is alive.",
    "Give every device its own client id, for example its serial number; the other one frees it when it ends.",
  ),
  claim_connect_refused: connect(
    "A claim connection may have no will, no retained message and no stored session.",
    "Connect with a clean session and without a will while using the claim.",
  ),
  connect_not_authorized: connect(
    "No policy allows this device to connect with this client id.",
    "Attach a policy that allows iot:Connect for the client id (`fleetmint thing show NAME`).",
  ),
  connection_limit_reached: connect(
    "Too many connections from this address or in all.",
    "Close idle connections, or wait and retry with back-off.",
  ),

  // --- while enrolling ---
  payload_malformed: enroll(
    "The payload is not the JSON or CBOR that this operation takes.",
    "Send a map with the documented fields, all of them text strings.",
  ),
  payload_too_large: enroll("The payload exceeds the limit.", "Shorten the parameters or the CSR."),
  operation_unknown: enroll(
    "The reserved topic names no operation of ours.",
    "Publish to $aws/certificates/create/{json|cbor}, …/create-from-csr/… or $aws/provisioning-templates/NAME/provision/….",
  ),
  csr_malformed: enroll(
    "The certificate signing request cannot be read.",
    "Send one PEM block CERTIFICATE REQUEST of at most 4,096 characters (RFC 2986).",
  ),
  csr_signature_invalid: enroll(
    "The request is not signed by the key it names.",
    "Sign the CSR with the device's own private key.",
  ),
  key_algorithm_refused: enroll(
    "The public key's algorithm or curve is not accepted.",
    "Use EC P-256, P-384 or P-521, or RSA of 2048, 3072 or 4096 bits with exponent 65537.",
  ),
  key_weak: enroll("The public key is weak.", "Generate a new key with a sound random source."),
  key_revoked: enroll(
    "This public key was revoked for compromise, or is blocked.",
    "Generate a new key on the device.",
  ),
  key_in_use: enroll(
    "This public key belongs to another thing, another client, a claim, a server or a CA.",
    "Generate a key on each device; never clone an image that holds one.",
  ),
  claim_quota_exceeded: enroll(
    "The claim's quota is used up.",
    "Create another claim, or raise the quota after looking at `fleetmint claim audit`.",
  ),
  claim_pending_limit: enroll(
    "Too many certificates of this claim wait to be redeemed.",
    "Redeem or wait: a pending certificate ends after an hour.",
  ),
  claim_rate_exceeded: enroll(
    "The claim provisions faster than its passport allows.",
    "Retry with back-off; if the rate is right, create the claim with a higher `--max-rate`.",
  ),
  claim_template_refused: enroll(
    "The claim's passport does not name this template.",
    "Use the template the claim was made for, or create a claim for this one.",
  ),
  template_unknown: enroll("There is no template of this name.", "Apply it: `fleetmint template apply NAME --file …`."),
  template_disabled: enroll("The template is disabled.", "Enable it: `fleetmint template apply NAME --enable`."),
  token_missing: enroll(
    "RegisterThing came without a certificateOwnershipToken.",
    "Send the token from the answer that carried the certificate.",
  ),
  token_unknown: enroll(
    "The ownership token is not one of ours, or ended with a restore.",
    "Request a new certificate and use the token of that answer.",
  ),
  token_expired: enroll(
    "The ownership token has expired.",
    "Request a new certificate; redeem its token within the hour.",
  ),
  token_principal_mismatch: enroll(
    "The ownership token was given to another claim or client id.",
    "Redeem the token with the claim and client id that requested the certificate.",
  ),
  token_already_used: enroll(
    "The ownership token was redeemed with another template or other parameters.",
    "Request a new certificate for another enrollment.",
  ),
  parameter_missing: enroll(
    "The template needs a parameter that the device did not send.",
    "Send the named parameter.",
  ),
  parameter_invalid: enroll(
    "A device-supplied value holds a character that is not safe in names and policies, or is too long.",
    "Leave out * ? $ { } + # / and control characters.",
  ),
  serial_missing: enroll(
    "The claim has an expected-device list and the device sent no serial number.",
    "Send the template's serial parameter (default SerialNumber).",
  ),
  serial_not_expected: enroll(
    "The serial number is not on the claim's expected-device list.",
    "Add it to the list, or find out whose device this is.",
  ),
  hook_denied: enroll("The hook refused this device.", "See the hook's own log for its reason."),
  hook_failed: enroll(
    "The hook threw an error or could not be reached.",
    "Mend the hook; devices are refused meanwhile.",
  ),
  hook_timeout: enroll(
    "The hook did not answer within 5 seconds.",
    "Make the hook faster; devices are refused meanwhile.",
  ),
  hook_answer_invalid: enroll(
    "The hook answered something that is not a decision.",
    'Answer {"allowProvisioning": true|false, "parameterOverrides"?: {name: text}}.',
  ),
  template_evaluation_failed: enroll(
    "The template cannot be evaluated with these parameters.",
    "Run `fleetmint template explain NAME` with the same parameters; it names the place.",
  ),
  name_invalid: enroll(
    "A name that the template makes is not allowed.",
    "Thing names are 1–128 of [a-zA-Z0-9:_-]; look at the template and the parameters.",
  ),
  policy_unknown: enroll(
    "The template names a policy that does not exist.",
    "Apply it: `fleetmint policy apply NAME --file …`.",
  ),
  group_unknown: enroll("The template names a group that does not exist.", "Create it: `fleetmint group create NAME`."),
  thing_type_unknown: enroll(
    "The template names a thing type that does not exist.",
    "Create it: `fleetmint type create NAME`.",
  ),
  thing_already_provisioned: enroll(
    "The thing has an active certificate already.",
    "If the device was reset, release it first: `fleetmint thing release NAME`; if not, somebody uses its serial number.",
  ),
  resource_conflict: enroll(
    "The thing exists with other settings and the template says FAIL.",
    "Change OverrideSettings in the template, or the thing.",
  ),
  store_unavailable: enroll(
    "The store cannot write (for example: the disk is full). Nothing was issued.",
    "Free space on the data folder's disk; devices retry by themselves.",
  ),
  clock_set_back: enroll(
    "The server's clock reads an earlier time than when it last issued a certificate. Nothing was issued.",
    "Correct the server's clock. If it was ahead before and is right now, start once with `fleetmint serve --accept-clock`.",
  ),
  installation_restored: enroll(
    "This installation was restored from a backup and the claim's quota is not reconciled yet.",
    "Run `fleetmint restore` with the newest checkpoint, or `fleetmint claim resume` after checking the count.",
  ),
  internal_error: enroll(
    "Something failed that should not have.",
    "The server's log has the details under the attempt's id.",
  ),

  // --- on a live connection ---
  publish_not_authorized: mqtt(
    "No policy allows this principal to publish on the topic.",
    "Attach a policy that allows iot:Publish on topic/… (and iot:RetainPublish to retain).",
  ),
  subscribe_not_authorized: mqtt(
    "No policy allows this principal to subscribe to the filter.",
    "Attach a policy that allows iot:Subscribe on topicfilter/….",
  ),
  will_not_authorized: mqtt(
    "No policy allows this principal to publish its will.",
    "Attach a policy that allows iot:Publish on the will topic.",
  ),
  protocol_error: mqtt("The client broke the MQTT specification.", "The message names the clause."),
  keepalive_timeout: mqtt("The client was silent for one and a half keep-alive intervals.", "Send PINGREQ in time."),
  rate_limited: mqtt("The connection sends faster than its limit.", "Slow down; the server reads no faster."),
  session_taken_over: mqtt(
    "The same principal connected again with the same client id.",
    "Two devices with one identity? Look at `fleetmint event list`.",
  ),

  // --- admin API ---
  request_invalid: admin("The request does not have the documented shape.", "The message names the field."),
  unauthenticated: admin(
    "No valid credential came with the request.",
    "Use --data DIR on the server's machine, or --server URL with a token in FLEETMINT_TOKEN.",
  ),
  forbidden: admin("This credential may not do that.", "Use one with the needed role."),
  not_found: admin(
    "There is no such thing, claim, certificate, template, policy or attempt.",
    "List them and try again.",
  ),
  already_exists: admin("The name is taken.", "Choose another name, or apply instead of create."),
  conflict: admin("The present state does not allow that.", "The message says what stands in the way."),
  template_invalid: admin(
    "The template has a mistake.",
    "Run `fleetmint template lint --file …`; each finding names its place.",
  ),
  policy_invalid: admin("The policy document has a mistake.", "The message names the place."),
  claim_unguarded: admin(
    "A claim without expected serials, hook or --allow-any-device would let anyone with it register any name.",
    "Pass --serials FILE, give the template a hook, or say --allow-any-device.",
  ),
  limit_reached: admin("A limit of this installation is reached.", "The message names the limit."),
} as const satisfies Record<string, FaultEntry>;

export type FaultCode = keyof typeof ENTRIES;

export const FAULTS: Readonly<Record<FaultCode, FaultEntry>> = ENTRIES;
export const FAULT_CODES: readonly FaultCode[] = Object.keys(ENTRIES) as FaultCode[];
