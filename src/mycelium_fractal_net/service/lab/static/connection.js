/** One WebSocket to /ws/simulate for all runs of the page. It comes back by itself; runs then say where they were. */

import { Refusal, call, service } from "./api.js";

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15000;

export class Connection {
  /** @param {{state: (name: string, words: string) => void, refused: (refusal: Refusal) => void}} told */
  constructor(told) {
    this.told = told;
    this.streams = new Map();
    this.wait = FIRST_WAIT_MS;
    this.socket = null;
    this.opening = null;
    this.frame = null;
  }

  get isOpen() {
    return this.socket?.readyState === WebSocket.OPEN;
  }

  /** Connect, with a ticket in place of the key: browsers cannot send headers with a WebSocket. */
  open() {
    this.opening ??= this.#open().finally(() => (this.opening = null));
    return this.opening;
  }

  async #open() {
    if (this.isOpen) return true;
    clearTimeout(this.timer);
    this.told.state("connecting", "Connecting");
    try {
      const { ticket } = await (await call("tickets", { body: {} })).json();
      await this.#connect(ticket);
    } catch (error) {
      this.#comeBack(error);
      return false;
    }
    this.wait = FIRST_WAIT_MS;
    this.told.state("open", "Connected");
    for (const stream of [...this.streams.values()]) stream.connected();
    return true;
  }

  #connect(ticket) {
    const url = new URL("ws/simulate", service);
    url.protocol = url.protocol.replace("http", "ws");
    url.search = new URLSearchParams({ ticket });
    const socket = new WebSocket(url, ["mfn.v1"]);
    socket.binaryType = "arraybuffer";
    return new Promise((resolve, reject) => {
      socket.onopen = () => {
        this.socket = socket;
        resolve();
      };
      socket.onmessage = ({ data }) => this.#hear(data);
      socket.onclose = ({ code, reason }) => {
        if (this.socket !== socket) return reject(new Refusal({ code: "OFFLINE", message: reason }));
        this.socket = this.frame = null;
        this.#comeBack(new Refusal({ code: "OFFLINE", title: "The connection was lost.", message: reason || `code ${code}` }));
      };
    });
  }

  #comeBack(error) {
    const patient = !["AUTHENTICATION_REQUIRED", "INVALID_API_KEY", "INSUFFICIENT_SCOPE"].includes(error.code);
    if (!patient || !(error instanceof Refusal)) {
      this.told.state("refused", "Not connected");
      this.told.refused(error);
      return;
    }
    const wait = error.retryAfter ? error.retryAfter * 1000 : this.wait;
    this.wait = Math.min(this.wait * 2, LONGEST_WAIT_MS);
    this.told.state("waiting", `${error.message} Trying again in ${Math.ceil(wait / 1000)} s; runs go on where they were.`);
    this.timer = setTimeout(() => this.open(), wait);
  }

  /** A frame's field follows it as one binary message. */
  #hear(data) {
    if (typeof data !== "string") {
      const frame = this.frame;
      this.frame = null;
      if (frame) this.#tell(frame, data);
      return;
    }
    const message = JSON.parse(data);
    if (message.type === "frame" && message.field) this.frame = message;
    else this.#tell(message, null);
  }

  /** What cannot be read as a start is refused without the name of its stream. */
  #tell(message, bytes) {
    const nameless = message.type === "error" && message.stream === null;
    const run = nameless ? [...this.streams.values()].find(({ begun }) => !begun) : this.streams.get(message.stream);
    if (run) run.heard(message, bytes);
    else if (nameless) this.told.refused(new Refusal(message.problem));
  }

  say(type, members) {
    if (this.isOpen) this.socket.send(JSON.stringify({ type, ...members }));
  }
}
