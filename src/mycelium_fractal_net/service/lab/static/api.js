/** Calls of the HTTP API. Paths are relative to the service, wherever it is mounted. */

const STORE = "mfn-key";
export const service = new URL("./", document.baseURI);

export const key = {
  get: () => sessionStorage.getItem(STORE) ?? "",
  set: (text) => sessionStorage.setItem(STORE, text),
  forget: () => sessionStorage.removeItem(STORE),
};

/** What the service said no with: a problem of RFC 9457, and when to come back. */
export class Refusal extends Error {
  constructor(problem, retryAfter = null) {
    super(inWords(problem, retryAfter));
    this.code = problem.code;
    this.problem = problem;
    this.retryAfter = retryAfter;
  }
}

const ADVICE = {
  AUTHENTICATION_REQUIRED: "This service needs a key.",
  INVALID_API_KEY: "The service does not know this key.",
  INSUFFICIENT_SCOPE: "This key may not simulate; ask for one with the scope “simulate”.",
  RATE_LIMIT_EXCEEDED: "The service accepts no more requests from you for the moment.",
  QUEUE_FULL: "All compute threads are busy and the queue is full.",
  COST_LIMIT_EXCEEDED: "That costs more than one request may. Take fewer steps or a smaller lattice.",
  UNSTABLE_PARAMETERS: "With these parameters the time step is unstable.",
  NUMERICAL_DIVERGENCE: "The simulation diverged: its field is no longer finite.",
  SERVICE_UNAVAILABLE: "The service is shutting down or not ready yet.",
  TOO_MANY_CONNECTIONS: "Too many connections are open to the service.",
  REQUEST_TIMEOUT: "The service waited too long for this page.",
  OFFLINE: "The service cannot be reached.",
};

/** Say a problem to a person. */
export function inWords(problem, retryAfter = null) {
  const advice = ADVICE[problem.code] ?? problem.title ?? "Something went wrong.";
  const message = problem.message && problem.message !== problem.title ? ` ${upper(problem.message)}` : "";
  const wait = retryAfter ? ` Try again in ${retryAfter} s.` : "";
  return `${advice}${message}${message && !/[.!?]$/.test(message) ? "." : ""}${wait}`;
}

const upper = (text) => text[0].toUpperCase() + text.slice(1);

/** How many requests of a class are left this minute, where the service counts them. */
export const remaining = new Map();

/**
 * Send a request; a JSON body, or an array's bytes as .npy.
 * @returns {Promise<Response>}
 * @throws {Refusal}
 */
export async function call(path, { body, npy, accept, signal } = {}) {
  const headers = {};
  if (key.get()) headers["X-API-Key"] = key.get();
  if (accept) headers.Accept = accept;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (npy !== undefined) headers["Content-Type"] = "application/x-npy";
  const method = body === undefined && npy === undefined ? "GET" : "POST";
  let answer;
  try {
    answer = await fetch(new URL(path, service), { method, headers, body: npy ?? (body && JSON.stringify(body)), signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal({ code: "OFFLINE", message: "" });
  }
  const left = answer.headers.get("X-RateLimit-Remaining");
  if (left !== null) remaining.set(path.split("?")[0], Number(left));
  if (answer.ok) return answer;
  throw new Refusal(await problemOf(answer), Number(answer.headers.get("Retry-After")) || null);
}

async function problemOf(answer) {
  try {
    return await answer.json();
  } catch {
    return { code: "HTTP", title: `The service answered with status ${answer.status}.`, message: "" };
  }
}

/** Milliseconds to leave between requests of a path, so that those left this minute suffice. */
export function pace(path, quick) {
  const left = remaining.get(path);
  return left === undefined || left > 60 ? quick : left > 20 ? Math.max(quick, 1500) : Math.max(quick, 5000);
}
