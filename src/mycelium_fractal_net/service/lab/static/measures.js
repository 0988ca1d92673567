/** What is measured on the runs of the page: features in time, spectrum, box counts with local slopes, growth events. */

import { Chart } from "./charts.js";
import { find, findAll, make, short, write } from "./dom.js";

const COLOURS = { A: "--run-a", B: "--run-b" };
const SHOW_MS = 250;

export class Measures {
  /**
   * @param {Object<string, string>} units of the features
   * @param {{panes: Pane[], active: () => Pane}} page
   */
  constructor(units, page) {
    Object.assign(this, { units, page, shownAt: 0 });
    const names = Object.keys(units);
    this.choice = find("#feature");
    this.choice.append(...names.map((name) => make("option", { textContent: name, selected: name === "V_mean" })));
    this.choice.onchange = () => this.showFeatures();
    const row = (name) => make("tr", { data: { name } }, make("th", { scope: "row", textContent: name }), make("td", { textContent: units[name] }));
    find("#feature-table tbody").append(...names.map(row));
    find("#all-features").ontoggle = () => this.showFeatures();
    const unit = () => units[this.choice.value];
    this.charts = {
      feature: new Chart(find("#feature-chart"), { name: "features in time", x: "step", get y() { return unit() === "1" ? "" : unit(); } }),
      spectrum: new Chart(find("#spectrum-chart"), { name: "the spectrum", x: "wavelength (cells)", y: "power", log: true }),
      boxes: new Chart(find("#box-chart"), { name: "box counts", x: "box side (cells)", y: "boxes", log: true, points: true }),
      slopes: new Chart(find("#slope-chart"), { name: "local slopes", x: "box side (cells)", y: "local slope", points: true, height: 110 }),
    };
  }

  /** Show what has come since, a few times a second: charts cost more than a frame does. */
  follow(now) {
    if (now - this.shownAt < SHOW_MS) return;
    this.shownAt = now;
    const state = this.page.panes.map(({ history, eventCount }) => `${history.seen} ${eventCount}`).join();
    if (state === this.state) return;
    this.state = state;
    this.showFeatures();
    this.#showEvents();
  }

  show() {
    this.showFeatures();
    const measured = this.page.panes.filter((pane) => pane.analysis);
    if (!measured.length) return;
    const of = (make_) => measured.map((pane) => ({ name: pane.name, colour: COLOURS[pane.name], ...make_(pane.analysis) }));
    this.#showSpectrum(of(({ spectrum: { wavenumbers, power } }) => ({ x: wavenumbers.map((k) => 1 / k).reverse(), y: power.map((p) => (p > 0 ? p : null)).reverse() })));
    this.#showBoxes(measured, of);
  }

  showFeatures() {
    const { page, charts, units } = this;
    const name = this.choice.value;
    const series = page.panes.map((pane) => ({ name: pane.name, colour: COLOURS[pane.name], x: pane.history.steps, y: pane.history.of(name) }));
    const last = page.panes.map((pane) => `run ${pane.name} ${short(pane.history.rows.at(-1)?.[name])}`).join(", ");
    if (this.shown !== name) charts.feature.labels = null;
    this.shown = name;
    charts.feature.show(series, `${name} in time; now ${last} ${units[name]}`);
    if (find("#all-features").open) this.#showTable();
  }

  /** Draw again in other colours. */
  rebuild() {
    Object.values(this.charts).forEach((chart) => chart.rebuild());
  }

  /** Forget the columns of runs that are gone. */
  forgetRuns() {
    findAll("#feature-table .value").forEach((cell) => cell.remove());
  }

  #showTable() {
    const { panes } = this.page;
    const head = find("#feature-table thead tr");
    panes.forEach(({ name }, index) => head.children[2 + index] ?? head.append(make("th", { scope: "col", className: "value", textContent: `run ${name}` })));
    for (const row of findAll("#feature-table tbody tr")) {
      panes.forEach((pane, index) => {
        const cell = row.children[2 + index] ?? row.appendChild(make("td", { className: "value" }));
        write(cell, short(pane.history.rows.at(-1)?.[row.dataset.name]));
      });
    }
  }

  #showSpectrum(series) {
    const { predicted, analysis } = this.page.active();
    const found = analysis?.spectrum.wavelength_cells;
    const marks = [];
    if (predicted) marks.push({ at: predicted, name: `predicted ${short(predicted, 3)}`, colour: "--predicted", dashed: true });
    if (found) marks.push({ at: found, name: `measured ${short(found, 3)}`, colour: "--measured" });
    const words = `measured ${found ? `${short(found, 3)} cells` : "none yet"}${predicted ? `, predicted ${short(predicted, 3)}` : ""}`;
    write(find("#spectrum-words"), words);
    this.charts.spectrum.show(series, `Power by wavelength; ${words}`, marks);
  }

  #showBoxes(measured, of) {
    const active = this.page.active();
    const { box_counting: boxes } = (active.analysis ? active : measured[0]).analysis;
    const error = boxes.standard_error === null ? "" : ` ± ${short(boxes.standard_error, 2)}`;
    const words = `dimension ${short(boxes.dimension, 3)}${error}, ${boxes.verdict}`;
    write(find("#box-words"), words);
    this.charts.boxes.show(of(({ box_counting: { scales, counts } }) => ({ x: scales, y: counts.map((count) => count || null) })), `Boxes by their side; ${words}`);
    const slopes = of(({ box_counting: { scales, counts } }) => ({
      x: scales.slice(1).map((scale, index) => Math.sqrt(scale * scales[index])),
      y: counts.slice(1).map((count, index) => (count && counts[index] ? Math.log(counts[index] / count) / Math.log(scales[index + 1] / scales[index]) : null)),
    }));
    this.charts.slopes.show(slopes, "Local slopes between neighbouring box sides; a fractal has the same one over a range");
  }

  #showEvents() {
    const pane = this.page.active();
    write(find("#event-words"), `${pane.eventCount} so far`);
    const rows = pane.events.slice(0, 12).map(([step, row, column, jump]) => make("li", { textContent: `step ${step}: (${row}, ${column}) +${short(jump, 3)} mV` }));
    find("#events").replaceChildren(...rows);
  }
}
