// Tablets of Hocuspocus: one socket each, and a document of Yjs for each student over it.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";

import { HocuspocusProvider, HocuspocusProviderWebsocket } from "@hocuspocus/provider";
import WebSocket from "ws";
import * as Y from "yjs";

import { OBSERVATIONS_EACH } from "./classroom.mjs";
import { observation } from "./observation.mjs";

function put(document, author) {
  const [key, fields] = observation(author);
  document.transact(() => document.getMap("observations").set(key, new Y.Map(Object.entries(fields))));
}

/// Puts what everybody has already into the server's folder.
export async function school({ students, earlier }, folder) {
  const made = new Y.Doc();
  for (let number = 0; number < earlier; number++) put(made, "earlier");
  const saved = Y.encodeStateAsUpdate(made);
  const documents = Array.from({ length: students }, (_, student) => `student-${student}`);
  for (const name of documents) await writeFile(join(folder, name), saved);
  return { saved, documents };
}

/// A tablet on its way in.
export function tablet(number, students, { saved, documents }) {
  const held = students.map((student) => {
    const document = new Y.Doc();
    Y.applyUpdate(document, saved);
    for (let brought = 0; brought < OBSERVATIONS_EACH; brought++) put(document, `tablet-${number}`);
    return { name: documents[student], document };
  });
  let socket;
  return {
    connect(url) {
      socket = new HocuspocusProviderWebsocket({ url, WebSocketPolyfill: WebSocket });
      for (const { name, document } of held) {
        new HocuspocusProvider({ websocketProvider: socket, name, document }).attach();
      }
    },
    has: (wanted) => held.every(({ document }) => document.getMap("observations").size === wanted),
    socket: () => socket.webSocket._socket,
  };
}
