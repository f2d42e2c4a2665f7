// What other packages see of the server: how to make an installation, how to run one, and the ports that tests move by hand.

export { type VerifyOptions, type VerifyResult, verifyExport } from "./audit/verify.ts";
export { type InitializeRequest, type Installation, initialize } from "./installation.ts";
export { type Clock, ManualClock, systemClock } from "./kit/clock.ts";
export { Fault } from "./kit/fault.ts";
export { FAULT_POINTS, type FaultPoint, onFaultPoint } from "./kit/fault-points.ts";
export { LIMITS } from "./kit/limits.ts";
export { type Log, silentLog } from "./kit/log.ts";
export { createLog } from "./kit/log-sink.ts";
export { type Random, systemRandom } from "./kit/random.ts";
export { type RestoredInstallation, type RestoreRequest, restore } from "./restore.ts";
export { type ServeRequest, serve } from "./serve.ts";
export { type RunningServer, type ServerOptions, startServer } from "./server.ts";
export { checkInvariants, type InvariantOptions, type Violation } from "./store/invariants.ts";
export { FAULT_CODES, FAULTS, type FaultCode, type FaultScope } from "./vocabulary/faults.ts";
