// Tablets of automerge-repo: one repository each, with its documents in memory.

import * as Automerge from "@automerge/automerge";
import { Repo, generateAutomergeUrl, parseAutomergeUrl } from "@automerge/automerge-repo";
import { BrowserWebSocketClientAdapter } from "@automerge/automerge-repo-network-websocket";
import { NodeFSStorageAdapter } from "@automerge/automerge-repo-storage-nodefs";

import { observation } from "./observation.mjs";

export async function tablets(classroom, folder) {
  let made = Automerge.from({ observations: {} });
  for (let number = 0; number < classroom.earlier; number++) {
    const [key, fields] = observation("earlier");
    made = Automerge.change(made, (doc) => void (doc.observations[key] = fields));
  }
  const earlier = Automerge.save(made);
  const storage = new NodeFSStorageAdapter(folder);
  const documents = [];
  for (let student = 0; student < classroom.students; student++) {
    const { documentId } = parseAutomergeUrl(generateAutomergeUrl());
    await storage.save([documentId, "snapshot", "earlier"], earlier);
    documents.push(documentId);
  }
  const all = [];
  for (let number = 0; number < classroom.tablets; number++) {
    const repo = new Repo({ peerId: `tablet-${number}`, network: [], sharePolicy: async () => true });
    const handles = classroom.studentsOf(number).map((student) => {
      const handle = repo.import(earlier, { docId: documents[student] });
      for (let brought = 0; brought < classroom.observationsEach; brought++) {
        const [key, fields] = observation(`tablet-${number}`);
        handle.change((doc) => void (doc.observations[key] = fields));
      }
      return handle;
    });
    all.push({ repo, handles, waiting: new Set(handles) });
  }
  return {
    connect(url) {
      for (const tablet of all) {
        tablet.adapter = new BrowserWebSocketClientAdapter(url);
        tablet.repo.networkSubsystem.addNetworkAdapter(tablet.adapter);
      }
    },
    haveAll(wanted) {
      for (const { waiting } of all) {
        for (const handle of waiting) {
          if (Object.keys(handle.doc().observations).length === wanted) waiting.delete(handle);
        }
      }
      return all.every(({ waiting }) => waiting.size === 0);
    },
    bytes() {
      const sockets = all.map(({ adapter }) => adapter.socket._socket);
      return sockets.reduce((sum, socket) => sum + socket.bytesRead + socket.bytesWritten, 0);
    },
  };
}
