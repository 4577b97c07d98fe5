// The morning reconnect at a peer: its own server in a process of its own, all tablets in this one.
//
//     node morning.mjs automerge-repo|hocuspocus TABLETS EARLIER
//
// 20 students each, every student on 4 tablets; each has EARLIER observations of every student, as the server has, and comes back with
// two more of each. Ends when every tablet has everybody's; prints what the server took as JSON.

import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";

import { tablets as automergeRepo } from "./tablets-automerge-repo.mjs";
import { tablets as hocuspocus } from "./tablets-hocuspocus.mjs";

const STUDENTS_EACH = 20;
const TABLETS_EACH = 4;
const OBSERVATIONS_EACH = 2;
const CLASSES = STUDENTS_EACH / TABLETS_EACH;
// How long all may take before it is given up, in milliseconds.
const PATIENCE_MS = 15 * 60 * 1000;
// What is put off by a server, saving above all, is done by then, in milliseconds.
const PUT_OFF_MS = 3000;

const [peer, tablets, earlier] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];

/// The students of a tablet: the same division as at our own server.
function studentsOf(tablet) {
  const students = [];
  for (let number = 0; number < CLASSES; number++) {
    for (let place = 0; place < TABLETS_EACH; place++) {
      const first = (tablet + tablets - ((place * (number + 1)) % tablets)) % tablets;
      students.push(number * tablets + first);
    }
  }
  return students;
}

/// Nanoseconds of the processor that all threads of a process took.
function spent(pid) {
  let sum = 0;
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    sum += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, "utf8").split(" ")[0]);
  }
  return sum;
}

function mib(pid, name) {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(status.match(new RegExp(`^${name}:\\s+(\\d+)`, "m"))[1]) / 1024;
}

const folder = mkdtempSync(join(tmpdir(), "carryover-peer-"));
let server;
try {
  const kind = { "automerge-repo": automergeRepo, hocuspocus }[peer];
  const classroom = { tablets, students: tablets * CLASSES, studentsOf, earlier, observationsEach: OBSERVATIONS_EACH };
  const all = await kind(classroom, folder);
  server = spawn(process.execPath, ["server.mjs", peer, folder], { stdio: ["ignore", "pipe", "inherit"] });
  const [port] = await new Promise((said, gone) => {
    server.once("exit", () => gone(new Error("the peer's server ended")));
    createInterface({ input: server.stdout }).once("line", (line) => said([Number(line)]));
  });
  await pause(PUT_OFF_MS / 3);
  const before = spent(server.pid);
  const started_mib = mib(server.pid, "VmRSS");
  const began = performance.now();
  all.connect(`ws://127.0.0.1:${port}`);
  const wanted = earlier + TABLETS_EACH * OBSERVATIONS_EACH;
  while (!all.haveAll(wanted)) {
    if (performance.now() - began > PATIENCE_MS) throw new Error("the tablets did not converge");
    await pause(100);
  }
  const wall_s = (performance.now() - began) / 1000;
  await pause(PUT_OFF_MS);
  const cpu_s = (spent(server.pid) - before) / 1e9;
  const peak_mib = mib(server.pid, "VmHWM");
  console.log(JSON.stringify({ cpu_s, started_mib, peak_mib, wire_mb: all.bytes() / 1e6, wall_s }));
} finally {
  server?.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
}
process.exit(0);
