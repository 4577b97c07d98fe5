// Tablets of Hocuspocus: one socket each, and a document of Yjs for each student over it.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";

import { HocuspocusProvider, HocuspocusProviderWebsocket } from "@hocuspocus/provider";
import WebSocket from "ws";
import * as Y from "yjs";

import { observation } from "./observation.mjs";

function put(document, author) {
  const [key, fields] = observation(author);
  document.transact(() => document.getMap("observations").set(key, new Y.Map(Object.entries(fields))));
}

export async function tablets(classroom, folder) {
  const made = new Y.Doc();
  for (let number = 0; number < classroom.earlier; number++) put(made, "earlier");
  const earlier = Y.encodeStateAsUpdate(made);
  for (let student = 0; student < classroom.students; student++) {
    await writeFile(join(folder, `student-${student}`), earlier);
  }
  const all = [];
  for (let number = 0; number < classroom.tablets; number++) {
    const documents = classroom.studentsOf(number).map((student) => {
      const document = new Y.Doc();
      Y.applyUpdate(document, earlier);
      for (let brought = 0; brought < classroom.observationsEach; brought++) put(document, `tablet-${number}`);
      return { name: `student-${student}`, document };
    });
    all.push({ documents });
  }
  return {
    connect(url) {
      for (const tablet of all) {
        tablet.socket = new HocuspocusProviderWebsocket({ url, WebSocketPolyfill: WebSocket });
        for (const { name, document } of tablet.documents) {
          const provider = new HocuspocusProvider({ websocketProvider: tablet.socket, name, document });
          provider.attach();
        }
      }
    },
    haveAll(wanted) {
      return all.every(({ documents }) =>
        documents.every(({ document }) => document.getMap("observations").size === wanted),
      );
    },
    bytes() {
      const sockets = all.map(({ socket }) => socket.webSocket._socket);
      return sockets.reduce((sum, socket) => sum + socket.bytesRead + socket.bytesWritten, 0);
    },
  };
}
