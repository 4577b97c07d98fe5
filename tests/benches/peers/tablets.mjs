// Some of a morning's tablets, in a process of their own: does what it is told, and answers each time.

import { studentsOf } from "./classroom.mjs";

let all;

const answers = {
  async begin({ peer, tablets, first, end, founded }) {
    const { tablet } = await import(`./tablets-${peer}.mjs`);
    all = [];
    for (let number = first; number < end; number++) all.push(tablet(number, studentsOf(number, tablets), founded));
    return true;
  },
  connect(url) {
    all.forEach((tablet) => tablet.connect(url));
    return true;
  },
  have(wanted) {
    return all.every((tablet) => tablet.has(wanted));
  },
  bytes() {
    return all.map((tablet) => tablet.socket()).reduce((sum, socket) => sum + socket.bytesRead + socket.bytesWritten, 0);
  },
};

process.on("message", async (message) => {
  const [name] = Object.keys(message);
  process.send(await answers[name](message[name]));
});
process.on("disconnect", () => process.exit());
