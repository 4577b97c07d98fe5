// The morning reconnect at a peer: its own server in a process of its own, the tablets in a few others.
//
//     node morning.mjs automerge-repo|hocuspocus TABLETS EARLIER
//
// 20 students each, every student on 4 tablets; each has EARLIER observations of every student, as the server has, and comes back with
// two more of each. Ends when every tablet has everybody's, or when patience does; prints what the server took as JSON.

import { fork, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";

import { CLASSES, OBSERVATIONS_EACH, TABLETS_EACH } from "./classroom.mjs";

// A process has memory for so many tablets and no more.
const TABLETS_A_PROCESS = 20;
// How long the tablets may take, in milliseconds: what is not done by then is told as it is.
const PATIENCE_MS = 5 * 60 * 1000;
// What is put off by a server, saving above all, is done by then, in milliseconds.
const PUT_OFF_MS = 3000;

const [peer, tablets, earlier] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];

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

/// Resolves with what a process of tablets says next; fails when it ends instead.
function heard(group) {
  return new Promise((said, failed) => {
    const ended = (code, signal) => failed(new Error(`a process of tablets ended: ${code ?? signal}`));
    group.once("exit", ended);
    group.once("message", (message) => {
      group.off("exit", ended);
      said(message);
    });
  });
}

/// Says something to all processes of tablets, and returns their answers.
function ask(groups, message) {
  return Promise.all(
    groups.map((group) => {
      const answer = heard(group);
      group.send(message);
      return answer;
    }),
  );
}

const folder = mkdtempSync(join(tmpdir(), "carryover-peer-"));
const groups = [];
let server;
try {
  const { school } = await import(`./tablets-${peer}.mjs`);
  const founded = await school({ students: tablets * CLASSES, earlier }, folder);
  for (let first = 0; first < tablets; first += TABLETS_A_PROCESS) {
    groups.push(fork("tablets.mjs", { serialization: "advanced" }));
  }
  const shares = groups.map((group, at) => {
    const [first, end] = [at * TABLETS_A_PROCESS, Math.min((at + 1) * TABLETS_A_PROCESS, tablets)];
    return ask([group], { begin: { peer, tablets, first, end, founded } });
  });
  await Promise.all(shares);
  // It ends with us, however we end: its input does.
  server = spawn(process.execPath, ["server.mjs", peer, folder], { stdio: ["pipe", "pipe", "inherit"] });
  const [port] = await new Promise((said, gone) => {
    server.once("exit", () => gone(new Error("the peer's server ended")));
    createInterface({ input: server.stdout }).once("line", (line) => said([Number(line)]));
  });
  await pause(PUT_OFF_MS / 3);
  const before = spent(server.pid);
  const started_mib = mib(server.pid, "VmRSS");
  const began = performance.now();
  await ask(groups, { connect: `ws://127.0.0.1:${port}` });
  const wanted = earlier + TABLETS_EACH * OBSERVATIONS_EACH;
  const all = async () => (await ask(groups, { have: wanted })).every((has) => has);
  let finished = await all();
  while (!finished && performance.now() - began < PATIENCE_MS) {
    await pause(100);
    finished = await all();
  }
  const wall_s = (performance.now() - began) / 1000;
  if (finished) await pause(PUT_OFF_MS);
  const cpu_s = (spent(server.pid) - before) / 1e9;
  const peak_mib = mib(server.pid, "VmHWM");
  const bytes = (await ask(groups, { bytes: true })).reduce((sum, each) => sum + each, 0);
  console.log(JSON.stringify({ cpu_s, started_mib, peak_mib, wire_mb: bytes / 1e6, wall_s, finished }));
} finally {
  server?.kill("SIGKILL");
  groups.forEach((group) => group.kill("SIGKILL"));
  rmSync(folder, { recursive: true, force: true });
}
process.exit(0);
