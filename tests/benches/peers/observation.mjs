// An observation like those of a school day: the same fields as at our own server.

let drawn = 1;

/// A number below `limit` that looks random and is the same in every run.
function below(limit) {
  drawn = (Math.imul(drawn, 1664525) + 1013904223) >>> 0;
  // The lower bits repeat themselves soon.
  return Math.floor((drawn / 2 ** 32) * limit);
}

const WORDS = "asked for help twice during centers then waited peer model used visual card after prompt".split(" ");

function id() {
  return Array.from({ length: 26 }, () => "0123456789ABCDEFGHJKMNPQRSTVWXYZ"[below(32)]).join("");
}

/// A new observation under a new key.
export function observation(author) {
  const at = 1787576400000 + below(25_200_000);
  const fields = {
    role: "slp",
    goal: `${author}/${id()}`,
    kind: "percent",
    observer: "primary",
    start: at,
    correct: below(6),
    of: 5 + below(6),
    act: id(),
    at,
    offset: below(400) - 200,
  };
  if (below(2) === 0) fields.note = Array.from({ length: 1 + below(7) }, () => WORDS[below(WORDS.length)]).join(" ");
  return [`${author}/${id()}`, fields];
}
