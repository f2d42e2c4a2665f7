// Certificates are looked up by random values (serial number, fingerprint, token). A wide unique index on those costs more than
// everything else at ten million rows, so each such column has beside it an integer of its first 48 bits with a narrow index, and
// uniqueness is checked by the inserting statement; there is one writer. Wide columns (DER, JSON) stand last in their row.
export const FIRST_SCHEMA: string = `
CREATE TABLE installation (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  epoch INTEGER NOT NULL CHECK (epoch >= 1),
  swept_intents INTEGER NOT NULL
) STRICT;
INSERT INTO installation (id, epoch, swept_intents) VALUES (1, 1, 0);

CREATE TABLE claims (
  id INTEGER PRIMARY KEY,
  claim_id TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL CHECK (kind IN ('shared', 'temporary')),
  status TEXT NOT NULL CHECK (status IN ('active', 'suspended', 'disabled')),
  status_reason TEXT,
  quarantined INTEGER NOT NULL CHECK (quarantined IN (0, 1)),
  created_at INTEGER NOT NULL,
  not_before INTEGER NOT NULL,
  not_after INTEGER NOT NULL,
  max_devices INTEGER NOT NULL,
  redeemed INTEGER NOT NULL CHECK (redeemed BETWEEN 0 AND max_devices),
  pending INTEGER NOT NULL CHECK (pending >= 0),
  passport TEXT NOT NULL
) STRICT;

CREATE TABLE intents (
  id INTEGER PRIMARY KEY,
  serial_prefix INTEGER NOT NULL,
  key_prefix INTEGER NOT NULL,
  claim INTEGER REFERENCES claims (id),
  at INTEGER NOT NULL,
  profile TEXT NOT NULL,
  serial TEXT NOT NULL,
  client_id TEXT,
  tbs_hash BLOB NOT NULL,
  key_fingerprint BLOB NOT NULL
) STRICT;
CREATE INDEX intents_by_serial ON intents (serial_prefix);
CREATE INDEX intents_by_key ON intents (key_prefix);

CREATE TABLE thing_types (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE things (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  type TEXT REFERENCES thing_types (name),
  billing_group TEXT,
  status TEXT NOT NULL CHECK (status IN ('active', 'retired')),
  quarantined INTEGER NOT NULL CHECK (quarantined IN (0, 1)),
  released INTEGER NOT NULL CHECK (released IN (0, 1)),
  created_at INTEGER NOT NULL,
  attributes TEXT NOT NULL
) STRICT;

-- A certificate's row has the number of its intent: none can exist without one, nor two with one serial number.
CREATE TABLE certificates (
  id INTEGER PRIMARY KEY REFERENCES intents (id),
  certificate_prefix INTEGER NOT NULL,
  token_prefix INTEGER,
  claim INTEGER REFERENCES claims (id),
  thing INTEGER REFERENCES things (id),
  status TEXT NOT NULL CHECK (status IN ('PENDING_ACTIVATION', 'ACTIVE', 'INACTIVE', 'REVOKED')),
  status_reason TEXT,
  not_before INTEGER NOT NULL,
  not_after INTEGER NOT NULL,
  issued_at INTEGER NOT NULL,
  certificate_id BLOB NOT NULL CHECK (length(certificate_id) = 32),
  token_hash BLOB,
  token_expires_at INTEGER,
  claim_certificate INTEGER REFERENCES certificates (id),
  attempt_id TEXT,
  request_digest TEXT,
  device_configuration TEXT,
  der BLOB NOT NULL
) STRICT;
CREATE INDEX certificates_by_id ON certificates (certificate_prefix);
CREATE INDEX certificates_by_token ON certificates (token_prefix) WHERE token_prefix IS NOT NULL;
CREATE INDEX certificates_by_claim ON certificates (claim) WHERE claim IS NOT NULL;
CREATE INDEX certificates_by_thing ON certificates (thing) WHERE thing IS NOT NULL;
CREATE INDEX certificates_pending ON certificates (token_expires_at) WHERE status = 'PENDING_ACTIVATION';

CREATE TABLE claim_certificates (
  claim INTEGER NOT NULL REFERENCES claims (id),
  certificate INTEGER NOT NULL REFERENCES certificates (id),
  PRIMARY KEY (claim, certificate)
) STRICT, WITHOUT ROWID;

CREATE TABLE expected_devices (
  claim INTEGER NOT NULL REFERENCES claims (id),
  serial_number TEXT NOT NULL,
  provisioned INTEGER NOT NULL CHECK (provisioned IN (0, 1)),
  thing_name TEXT,
  PRIMARY KEY (claim, serial_number)
) STRICT, WITHOUT ROWID;

CREATE TABLE claim_redemptions (
  claim INTEGER NOT NULL REFERENCES claims (id),
  minute INTEGER NOT NULL,
  certificate INTEGER NOT NULL REFERENCES certificates (id),
  count INTEGER NOT NULL,
  last_at INTEGER NOT NULL,
  PRIMARY KEY (claim, minute, certificate)
) STRICT, WITHOUT ROWID;

CREATE TABLE claim_refusals (
  claim INTEGER NOT NULL REFERENCES claims (id),
  reason TEXT NOT NULL,
  count INTEGER NOT NULL,
  last_at INTEGER NOT NULL,
  PRIMARY KEY (claim, reason)
) STRICT, WITHOUT ROWID;

CREATE TABLE claim_networks (
  claim INTEGER NOT NULL REFERENCES claims (id),
  network TEXT NOT NULL,
  first_at INTEGER NOT NULL,
  last_at INTEGER NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (claim, network)
) STRICT, WITHOUT ROWID;

CREATE TABLE claim_serials (
  id INTEGER PRIMARY KEY,
  claim INTEGER NOT NULL REFERENCES claims (id),
  finding TEXT NOT NULL CHECK (finding IN ('unknown', 'duplicate')),
  serial_number TEXT NOT NULL,
  UNIQUE (claim, finding, serial_number)
) STRICT;

CREATE TABLE thing_groups (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  parent INTEGER REFERENCES thing_groups (id)
) STRICT;

CREATE TABLE members (
  thing INTEGER NOT NULL REFERENCES things (id),
  thing_group INTEGER NOT NULL REFERENCES thing_groups (id),
  PRIMARY KEY (thing, thing_group)
) STRICT, WITHOUT ROWID;
CREATE INDEX members_by_group ON members (thing_group, thing);

CREATE TABLE policies (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  default_version INTEGER NOT NULL
) STRICT;

CREATE TABLE policy_versions (
  policy INTEGER NOT NULL REFERENCES policies (id),
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  document TEXT NOT NULL,
  PRIMARY KEY (policy, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE thing_policies (
  thing INTEGER NOT NULL REFERENCES things (id),
  policy INTEGER NOT NULL REFERENCES policies (id),
  PRIMARY KEY (thing, policy)
) STRICT, WITHOUT ROWID;

CREATE TABLE group_policies (
  thing_group INTEGER NOT NULL REFERENCES thing_groups (id),
  policy INTEGER NOT NULL REFERENCES policies (id),
  PRIMARY KEY (thing_group, policy)
) STRICT, WITHOUT ROWID;

CREATE TABLE certificate_policies (
  certificate INTEGER NOT NULL REFERENCES certificates (id),
  policy INTEGER NOT NULL REFERENCES policies (id),
  PRIMARY KEY (certificate, policy)
) STRICT, WITHOUT ROWID;

CREATE TABLE templates (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
  default_version INTEGER NOT NULL,
  settings TEXT NOT NULL,
  hook TEXT
) STRICT;

CREATE TABLE template_versions (
  template INTEGER NOT NULL REFERENCES templates (id),
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (template, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE attempts (
  id INTEGER PRIMARY KEY,
  attempt_id TEXT NOT NULL UNIQUE,
  claim_id TEXT,
  outcome TEXT NOT NULL,
  reason TEXT,
  record TEXT NOT NULL
) STRICT;
CREATE INDEX attempts_by_claim ON attempts (claim_id) WHERE claim_id IS NOT NULL;
CREATE INDEX attempts_by_reason ON attempts (reason) WHERE reason IS NOT NULL;

CREATE TABLE events (
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  kind TEXT NOT NULL,
  record TEXT NOT NULL
) STRICT;

-- The number is the index in the Merkle tree plus one: without gaps, because nothing is ever removed and a rolled back number is given again.
CREATE TABLE audit_entries (
  id INTEGER PRIMARY KEY,
  leaf_hash BLOB NOT NULL CHECK (length(leaf_hash) = 32),
  body TEXT NOT NULL
) STRICT;

CREATE TABLE checkpoints (
  id INTEGER PRIMARY KEY,
  size INTEGER NOT NULL,
  root_hash TEXT NOT NULL,
  at INTEGER NOT NULL,
  frontier TEXT NOT NULL,
  note TEXT NOT NULL
) STRICT;

CREATE TABLE changes (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL,
  id TEXT NOT NULL
) STRICT;

CREATE TABLE credentials (
  token_hash TEXT PRIMARY KEY,
  account_id TEXT NOT NULL,
  role TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
  id INTEGER PRIMARY KEY,
  owner TEXT NOT NULL,
  client_id TEXT NOT NULL,
  expiry_seconds INTEGER NOT NULL,
  disconnected_at INTEGER,
  queued INTEGER NOT NULL,
  queued_bytes INTEGER NOT NULL,
  subscriptions TEXT NOT NULL,
  UNIQUE (owner, client_id)
) STRICT;
CREATE INDEX sessions_disconnected ON sessions (disconnected_at) WHERE disconnected_at IS NOT NULL;

-- One message may wait for many sessions. Its number orders it within each of them and is never given twice.
CREATE TABLE messages (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  qos INTEGER NOT NULL,
  retain INTEGER NOT NULL,
  expires_at INTEGER,
  topic TEXT NOT NULL,
  properties TEXT NOT NULL,
  payload BLOB NOT NULL
) STRICT;

CREATE TABLE queued_messages (
  session INTEGER NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  message INTEGER NOT NULL REFERENCES messages (sequence),
  PRIMARY KEY (session, message)
) STRICT, WITHOUT ROWID;
CREATE INDEX queued_by_message ON queued_messages (message);

CREATE TABLE retained_messages (
  topic TEXT PRIMARY KEY,
  qos INTEGER NOT NULL,
  expires_at INTEGER,
  properties TEXT NOT NULL,
  payload BLOB NOT NULL
) STRICT, WITHOUT ROWID;
`;
