// One peer's server over a folder, as its own documentation starts it; prints its port.
//
//     node server.mjs automerge-repo|hocuspocus FOLDER

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

const [peer, folder] = process.argv.slice(2);

const servers = {
  async "automerge-repo"() {
    const { Repo } = await import("@automerge/automerge-repo");
    const { WebSocketServerAdapter } = await import("@automerge/automerge-repo-network-websocket");
    const { NodeFSStorageAdapter } = await import("@automerge/automerge-repo-storage-nodefs");
    const { WebSocketServer } = await import("ws");
    const sockets = new WebSocketServer({ host: "127.0.0.1", port: 0 });
    new Repo({
      network: [new WebSocketServerAdapter(sockets)],
      storage: new NodeFSStorageAdapter(folder),
      peerId: "server",
      // Documents are given to whoever asks for them, and to nobody else.
      sharePolicy: async () => false,
    });
    await new Promise((ready) => sockets.on("listening", ready));
    return sockets.address().port;
  },

  async hocuspocus() {
    const { Server } = await import("@hocuspocus/server");
    const { Database } = await import("@hocuspocus/extension-database");
    const file = (name) => join(folder, name);
    const server = new Server({
      address: "127.0.0.1",
      port: 0,
      quiet: true,
      stopOnSignals: false,
      extensions: [
        new Database({
          fetch: ({ documentName }) => readFile(file(documentName)),
          store: ({ documentName, state }) => writeFile(file(documentName), state),
        }),
      ],
    });
    await server.listen();
    return server.address.port;
  },
};

// Whoever started it holds its input: when that ends, nobody is there any more.
process.stdin.on("end", () => process.exit()).resume();
console.log(await servers[peer]());
