// Questions and commands to the store. A refusal becomes an error with the field and the fix that the store names.

export class Problem extends Error {
  constructor(document, status) {
    super(document.error ?? `HTTP ${status}`);
    this.status = status;
    this.field = document.field ?? null;
    this.fix = document.fix ?? "";
  }
}

/** GET a document below /api/v1; parameters that are empty are left out. */
export async function get(path, parameters = {}, signal = undefined) {
  return answered(await fetch(`/api/v1/${path}${query(parameters)}`, { signal }));
}

/** Send a command; the same id again can't act twice, so a broken connection is tried once more. */
export async function command(body) {
  const options = {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ id: newId(), ...body }),
  };
  try {
    return await answered(await fetch("/api/v1/commands", options));
  } catch (error) {
    if (error instanceof Problem) throw error;
    return answered(await fetch("/api/v1/commands", options));
  }
}

/** Return parameters as the query of an address. */
export function query(parameters) {
  const wanted = Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined && value !== "");
  return wanted.length ? `?${new URLSearchParams(wanted)}` : "";
}

async function answered(answer) {
  const document = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Problem(document, answer.status);
  return document;
}

// crypto.randomUUID exists only behind TLS or on localhost.
function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const text = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return text.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
