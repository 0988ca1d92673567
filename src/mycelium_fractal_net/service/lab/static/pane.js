/** One run with its picture, its history and what is measured on it. */

import { History } from "./charts.js";
import { find, make, short, tell, write } from "./dom.js";
import { Run } from "./run.js";
import { FieldView, table } from "./view.js";
import { call, inWords, pace } from "./api.js";
import { npy } from "./npy.js";

export const VARIABLES = { v: "Potential", activator: "Activator", inhibitor: "Inhibitor" };
/** The colours of each field, here as in every picture of the library. */
export const OWN_MAP = { v: "inferno", activator: "viridis", inhibitor: "cividis" };
const UNIT = { v: "mV", activator: "", inhibitor: "" };
const ANALYSE_MS = 900;

export class Pane {
  /** @param {{told: (pane: Pane) => void, analysed: (pane: Pane) => void}} page */
  constructor(name, connection, page, options) {
    Object.assign(this, { name, page, dabs: [], analysis: null, events: [], eventCount: 0, history: new History(), config: null });
    this.root = find("#pane").content.firstElementChild.cloneNode(true);
    this.root.dataset.pane = name;
    find("h2", this.root).textContent = `Run ${name}`;
    this.view = new FieldView(find(".field", this.root), find(".overlay", this.root), options);
    this.summaryId = `summary-${name}`;
    find(".summary", this.root).id = this.summaryId;
    this.view.overlay.setAttribute("aria-label", `Field of run ${name}: arrow keys move the brush, Enter paints`);
    this.view.overlay.setAttribute("aria-describedby", this.summaryId);
    this.run = new Run(connection, {
      changed: () => this.#follow(),
      failed: (problem, over) => tell(`Run ${name}: ${inWords(problem)}`, over ? "alarm" : "note"),
      completed: () => this.#completed(),
    });
    this.clock = { drawn: 0, frames: 0, since: 0, rate: 0 };
  }

  /** Keep what was done to the run: it is part of the configuration from then on. */
  #follow() {
    const { schedule, stimuli, steps } = this.run?.config ?? {};
    if (schedule && this.run.status !== "idle") Object.assign(this.config, { schedule, stimuli, steps });
    this.page.told(this);
  }

  /** Begin at step 0 with the present configuration. */
  begin() {
    this.forget();
    this.run.start(this.config);
    this.root.dataset.receipt = "";
  }

  forget() {
    Object.assign(this, { analysis: null, events: [], eventCount: 0, dabs: [], analysedAt: 0, history: new History() });
    this.view.clear();
  }

  /** Draw the next frame if it is time; tell whether one was drawn. */
  tick(now, calm, shortestMs) {
    const { run, clock } = this;
    const due = now - clock.drawn >= shortestMs - 2;
    const frame = run.queue.length && due && (run.playing || this.single) ? run.take() : null;
    if (frame) {
      clock.drawn = now;
      this.single = false;
      this.#drawn(frame, now);
      if (run.finished && !run.queue.length) run.settle();
    }
    this.#flushDabs();
    this.view.decorate(now, calm);
    return Boolean(frame);
  }

  /** Draw one frame and stop. */
  stepOnce() {
    this.run.wake();
    this.single = true;
  }

  #drawn(frame, now) {
    this.view.draw(frame, now);
    this.frame = frame;
    this.history.add(frame.step, { ...frame.features });
    this.eventCount += frame.growth_events.length;
    this.events = [...frame.growth_events.toReversed(), ...this.events].slice(0, 30);
    this.#showScale();
    this.#countRate(now);
    this.page.told(this);
  }

  /** Frames in the last second, for those who want to know. */
  #countRate(now) {
    const { clock } = this;
    clock.frames++;
    if (now - clock.since < 1000) return;
    clock.rate = (clock.frames * 1000) / (now - clock.since);
    Object.assign(clock, { since: now, frames: 0 });
  }

  /** Where the run stands. */
  show() {
    const { run, frame, root } = this;
    if (root.dataset.status !== run.status) root.dataset.status = run.status;
    root.classList.toggle("blank", !frame);
    find("progress", root).value = run.total ? (frame?.step ?? 0) / run.total : 0;
    write(find(".at", root), frame ? `${this.config.kinetics} · step ${frame.step} of ${run.total}` : this.config.kinetics);
  }

  #showScale() {
    const [low, high] = this.view.limits;
    const unit = UNIT[this.frame.variable];
    const scale = find(".scale", this.root);
    write(find(".low", scale), `${short(low, 3)} ${unit}`);
    write(find(".high", scale), `${short(high, 3)} ${unit}`);
    write(find(".what", scale), VARIABLES[this.frame.variable].toLowerCase());
    if (scale.dataset.map === this.view.map) return;
    scale.dataset.map = this.view.map;
    const bar = find("canvas", scale);
    const context = bar.getContext("2d");
    const colours = table(this.view.map);
    for (let shade = 0; shade < 256; shade++) {
      context.fillStyle = `rgb(${colours.slice(3 * shade, 3 * shade + 3).join()})`;
      context.fillRect(shade, 0, 1, 8);
    }
  }

  #completed() {
    this.root.dataset.receipt = this.run.receipt.result_digest;
    this.page.told(this);
    this.analyse(true);
  }

  /** Paint a disc, from the next step that can still be changed, or at the start of a run that has not begun. */
  paint(disc) {
    const { run } = this;
    run.wake();
    if (this.config.stimuli.length + this.dabs.length >= 1000) return tell("A run takes 1,000 dabs at most.");
    if (run.isLive) this.dabs.push(disc);
    else if (run.status === "done") return tell("This run is over. Extend it, or run it again, to paint.");
    else this.config.stimuli = [...this.config.stimuli, { step: 0, ...disc }];
    this.page.told(this);
  }

  #flushDabs() {
    if (!this.dabs.length || !this.run.isLive || this.flushedAt === this.run.step) return;
    this.flushedAt = this.run.step;
    if (!this.run.steer({ stimuli: this.dabs.splice(0, 60) })) this.#tooLate();
  }

  steer(changes) {
    this.run.wake();
    if (!this.run.steer({ changes })) this.#tooLate();
  }

  /** Whether changes reach a run that goes on. */
  get isSteerable() {
    return this.run.isLive || this.run.status === "parked";
  }

  #tooLate() {
    this.dabs = [];
    tell("The run ends before that could take effect. Give it more steps, or extend it.");
  }

  /** Ask the service for spectrum and box counts of what is shown, not more often than it likes. */
  async analyse(now = false) {
    const { frame } = this;
    const wait = pace("features", ANALYSE_MS);
    if (!frame || this.asking || (!now && (frame.step === this.analysedAt || performance.now() - (this.asked ?? 0) < wait))) return;
    Object.assign(this, { asking: true, asked: performance.now(), analysedAt: frame.step });
    try {
      this.analysis = { ...(await this.#measured(frame)), step: frame.step, variable: frame.variable };
      this.page.analysed(this);
    } catch (error) {
      if (error.code !== "RATE_LIMIT_EXCEEDED") tell(error.message);
    } finally {
      this.asking = false;
    }
  }

  async #measured({ values, rows, columns, variable }) {
    const query = new URLSearchParams({ periodic: this.config.boundary === "periodic", spectrum: true });
    if (variable !== "v") {
      const [low, high] = this.view.limits;
      query.set("config", JSON.stringify({ active_threshold_mv: (low + high) / 2 }));
    }
    return (await call(`features?${query}`, { npy: npy(values, rows, columns) })).json();
  }

  /** The run in a sentence, for screen readers and for everybody. */
  sentence() {
    const { run, frame } = this;
    if (!frame) return { idle: "Nothing has run yet.", failed: "The run was refused." }[run.status] ?? "Waiting for the first frame.";
    const { statistics, features } = frame;
    const doing = { running: run.playing ? "running" : "paused", waiting: "waiting for the service", parked: "paused", done: "finished", failed: "stopped", idle: "stopped" }[run.status];
    const share = Math.round(100 * features.f_active);
    return `Step ${frame.step} of ${run.total}, ${doing}. ${share}% of cells active, mean ${short(statistics.pot_mean_mV, 3)} mV, ${this.eventCount} growth events.`;
  }

  /** A picture of what is shown, with its scale, as PNG. */
  async png() {
    const { view, frame } = this;
    const side = 720;
    const canvas = make("canvas", { width: side + 40, height: side + 110 });
    const ink = canvas.getContext("2d");
    ink.fillStyle = "white";
    ink.fillRect(0, 0, canvas.width, canvas.height);
    ink.imageSmoothingEnabled = false;
    ink.drawImage(view.canvas, 20, 20, side, side);
    ink.drawImage(find(".scale canvas", this.root), 20, side + 36, side, 14);
    ink.fillStyle = "#222";
    ink.font = "15px system-ui, sans-serif";
    const [low, high] = view.limits;
    const what = VARIABLES[frame.variable];
    ink.fillText(short(low, 3), 20, side + 70);
    ink.textAlign = "right";
    ink.fillText(short(high, 3), side + 20, side + 70);
    ink.textAlign = "center";
    ink.fillText(UNIT[frame.variable] ? `${what} (${UNIT[frame.variable]})` : what, side / 2 + 20, side + 70);
    ink.fillStyle = "#666";
    ink.font = "13px system-ui, sans-serif";
    ink.fillText(`${this.config.kinetics}, seed ${this.config.seed}, step ${frame.step}; MyceliumFractalNet`, side / 2 + 20, side + 95);
    return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  }
}
