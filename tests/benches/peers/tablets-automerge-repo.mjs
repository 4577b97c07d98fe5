// Tablets of automerge-repo: one repository each, with its documents in memory.

import * as Automerge from "@automerge/automerge";
import { Repo, generateAutomergeUrl, parseAutomergeUrl } from "@automerge/automerge-repo";
import { BrowserWebSocketClientAdapter } from "@automerge/automerge-repo-network-websocket";
import { NodeFSStorageAdapter } from "@automerge/automerge-repo-storage-nodefs";

import { OBSERVATIONS_EACH } from "./classroom.mjs";
import { observation } from "./observation.mjs";

/// Puts what everybody has already into the server's folder.
export async function school({ students, earlier }, folder) {
  let made = Automerge.from({ observations: {} });
  for (let number = 0; number < earlier; number++) {
    const [key, fields] = observation("earlier");
    made = Automerge.change(made, (doc) => void (doc.observations[key] = fields));
  }
  const saved = Automerge.save(made);
  const storage = new NodeFSStorageAdapter(folder);
  const documents = [];
  for (let student = 0; student < students; student++) {
    const { documentId } = parseAutomergeUrl(generateAutomergeUrl());
    await storage.save([documentId, "snapshot", "earlier"], saved);
    documents.push(documentId);
  }
  return { saved, documents };
}

/// A tablet on its way in.
export function tablet(number, students, { saved, documents }) {
  const repo = new Repo({ peerId: `tablet-${number}`, network: [], sharePolicy: async () => true });
  const waiting = new Set();
  for (const student of students) {
    const handle = repo.import(saved, { docId: documents[student] });
    for (let brought = 0; brought < OBSERVATIONS_EACH; brought++) {
      const [key, fields] = observation(`tablet-${number}`);
      handle.change((doc) => void (doc.observations[key] = fields));
    }
    waiting.add(handle);
  }
  let adapter;
  return {
    connect(url) {
      adapter = new BrowserWebSocketClientAdapter(url);
      repo.networkSubsystem.addNetworkAdapter(adapter);
    },
    has(wanted) {
      for (const handle of waiting) {
        if (Object.keys(handle.doc().observations).length === wanted) waiting.delete(handle);
      }
      return waiting.size === 0;
    },
    socket: () => adapter.socket._socket,
  };
}
