/**
 * One run: a stream of frames that are acknowledged when they are drawn; where frames come fast, as soon as few wait.
 *
 * The service computes two frames beyond the last acknowledged one and no more. So a run pauses when nothing is drawn,
 * and a change named for two frames ahead of that is never in the past: the page knows the schedule of its own run at
 * any time, which is what makes links and reconnections exact.
 */

const AHEAD = 2;
let count = 0;

export class Run {
  /**
   * @param {Connection} connection
   * @param {{changed: () => void, failed: (problem: object, over: boolean) => void, completed: () => void}} told
   */
  constructor(connection, told) {
    this.connection = connection;
    this.told = told;
    this.every = 2;
    this.stock = 0;
    this.field = "v";
    this.encoding = navigator.connection?.saveData ? "uint8" : "float32";
    this.status = "idle";
    this.config = {};
    this.socket = null;
    this.reset();
  }

  reset() {
    this.#leave();
    this.queue = [];
    this.drawn = null;
    this.step = this.settled = 0;
    this.total = this.config.steps ?? 0;
    this.strides = [this.every];
    this.receipt = this.result = this.reproduces = null;
    this.playing = false;
    this.#become("idle");
  }

  get isLive() {
    return this.status === "running" || this.status === "waiting";
  }

  /** Whether the service knows the stream, on this connection. */
  get #isOpen() {
    return this.isLive && this.socket !== null && this.socket === this.connection.socket;
  }

  /** Begin at step 0. */
  start(config) {
    this.config = structuredClone(config);
    this.reset();
    this.total = config.steps;
    this.playing = true;
    this.#begin(null);
  }

  play() {
    this.playing = true;
    this.wake();
    this.#acknowledge();
    this.told.changed();
  }

  /** Take up a run again that was left alone for too long, paused as it was. */
  wake() {
    if (this.status === "parked") this.#begin(this.#known());
  }

  pause() {
    this.playing = false;
    this.told.changed();
  }

  /** Let a finished run go on for more steps, from where it is. */
  extend(steps) {
    const { schedule, stimuli } = this.config;
    this.config = { ...structuredClone(this.reproduces), schedule, stimuli, steps: this.total + steps };
    this.total = this.config.steps;
    this.receipt = this.result = null;
    this.playing = true;
    this.#begin(this.#known());
  }

  cancel() {
    this.reset();
  }

  /** The next frame to draw, acknowledged as such; null when none is there. */
  take() {
    const frame = this.queue.shift() ?? null;
    if (frame) {
      this.step = frame.step;
      this.drawn = frame;
      this.#acknowledge();
    }
    return frame;
  }

  /** @param {number} stock how many frames may wait acknowledged, so that none is waited for at a quick pace */
  setStock(stock) {
    this.stock = stock;
  }

  setEvery(every) {
    if (every === this.every) return;
    this.every = every;
    this.strides.push(every);
    this.#set({ every });
  }

  setField(field) {
    this.field = field;
    this.#set({ field });
  }

  /** Tell a stream that is open; another one will begin with it. */
  #set(members) {
    if (this.#isOpen) this.connection.say("set", { stream: this.stream, ...members });
  }

  /** The first step that can still be changed. */
  get nextStep() {
    return this.settled + AHEAD * Math.max(...this.strides);
  }

  /**
   * Change parameters or set cells from the next step that can be changed.
   * @returns {boolean} whether the run lasts until then
   */
  steer({ changes = {}, stimuli = [] }) {
    const step = this.nextStep;
    if (!this.isLive || step >= this.total) return false;
    const made = {
      changes: Object.entries(changes).map(([parameter, value]) => ({ step, parameter, value, over: 0 })),
      stimuli: stimuli.map((one) => ({ step, ...one })),
    };
    const replaced = (one) => one.step === step && one.parameter in changes;
    this.before = { schedule: this.config.schedule ?? [], stimuli: this.config.stimuli ?? [] };
    this.config.schedule = [...this.before.schedule.filter((one) => !replaced(one)), ...made.changes];
    this.config.stimuli = [...this.before.stimuli, ...made.stimuli];
    this.connection.say("steer", { stream: this.stream, ...made });
    this.told.changed();
    return true;
  }

  /** The connection is there, again. */
  connected() {
    if (this.isLive) this.#begin(this.begun ? this.#known() : null);
  }

  heard(message, bytes) {
    const { type } = message;
    if (type === "started") this.begun = true;
    else if (type === "frame") this.#frame(message, bytes);
    else if (type === "completed") this.#complete(message);
    else if (type === "error") this.#error(message);
  }

  #become(status) {
    this.status = status;
    this.told.changed();
  }

  #leave() {
    if (!this.stream) return;
    if (this.#isOpen) this.connection.say("cancel", { stream: this.stream });
    this.socket = null;
    this.connection.streams.delete(this.stream);
    this.stream = null;
  }

  /** Sequence of the last frame that was drawn, counted in the present stride. */
  #known() {
    return this.step ? Math.floor(this.step / this.every) : null;
  }

  #begin(after) {
    this.#leave();
    this.queue = [];
    this.drawn = this.finished = null;
    this.settled = this.step;
    this.begun = after !== null;
    this.strides = [this.every];
    this.stream = `run-${++count}`;
    this.connection.streams.set(this.stream, this);
    this.#become("waiting");
    if (!this.connection.isOpen) {
      this.connection.open();
      return;
    }
    this.socket = this.connection.socket;
    const { every, field, encoding, stream, config } = this;
    const include = ["features", "field"];
    this.connection.say("start", { stream, config, every, include, field, encoding, flow: "ack", resume_after: after });
  }

  #frame(message, bytes) {
    if (this.status === "waiting") this.#become("running");
    if (message.step <= this.step) return this.#say(message);
    const [rows, columns] = message.field.shape;
    this.queue.push({ ...message, rows, columns, variable: message.field.field, values: decode(message.field, bytes) });
    this.#acknowledge();
  }

  /** Acknowledge what is drawn, and of what waits to be drawn no more than the stock; of a paused run nothing. */
  #acknowledge() {
    const ahead = this.playing ? this.queue[Math.min(this.stock, this.queue.length) - 1] : null;
    const last = ahead ?? this.drawn;
    if (!last || last.step <= this.settled) return;
    this.settled = last.step;
    this.strides = [...this.strides.slice(-AHEAD), this.every];
    this.#say(last);
  }

  /** Nothing waits for the acknowledgement of the last frame. */
  #say({ step, sequence }) {
    if (step < this.total) this.connection.say("ack", { stream: this.stream, sequence });
  }

  #complete(message) {
    this.finished = message;
    this.connection.streams.delete(this.stream);
    if (!this.queue.length) this.settle();
  }

  /** Take note of the end, once the last frame is drawn. */
  settle() {
    const { receipt, result, config } = this.finished;
    this.finished = null;
    Object.assign(this, { receipt, result, reproduces: config, playing: false });
    this.config = { ...this.config, schedule: config.schedule, stimuli: config.stimuli };
    this.#become("done");
    this.told.completed();
  }

  #error({ problem, resume_after }) {
    if (resume_after === null && this.status === "running") {
      Object.assign(this.config, this.before ?? {});
      this.told.failed(problem, false);
      return;
    }
    this.connection.streams.delete(this.stream);
    if (problem.code === "REQUEST_TIMEOUT" && (!this.playing || document.hidden)) return this.#become("parked");
    if (["SERVICE_UNAVAILABLE", "REQUEST_TIMEOUT", "QUEUE_FULL"].includes(problem.code)) {
      this.told.failed(problem, false);
      this.#become("waiting");
      setTimeout(() => this.status === "waiting" && this.#begin(this.#known()), 3000);
      return;
    }
    this.playing = false;
    this.#become("failed");
    this.told.failed(problem, true);
  }
}

function decode({ dtype, range }, bytes) {
  if (dtype === "float32") return new Float32Array(bytes);
  const [low, high] = range;
  return Float32Array.from(new Uint8Array(bytes), (value) => low + (value * (high - low)) / 255);
}
