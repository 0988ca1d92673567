/** Charts, drawn by uPlot: features in time, spectrum, box counting. Each shows every run of the page. */

import { make, short } from "./dom.js";

const { uPlot } = window;
const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const ticks = (_, values) => values.map((value) => (value === null ? "" : short(value, 3)));

/** Round numbers between two, as far apart as a logarithmic axis can label them. */
function decades(low, high) {
  const span = Math.log10(high / low);
  const steps = span < 1.6 ? [1, 2, 5] : [1];
  const every = Math.max(1, Math.ceil(span / 5));
  const first = Math.floor(Math.log10(low));
  const powers = Array.from({ length: Math.ceil(span) + 2 }, (_, index) => first + index).filter((power) => power % every === 0);
  return powers.flatMap((power) => steps.map((step) => step * 10 ** power)).filter((value) => value >= low && value <= high);
}

/** Bring several series onto one axis. */
function joined(series) {
  const tables = series.map(({ x, y }) => [x, y]);
  return tables.length === 1 ? tables[0] : uPlot.join(tables);
}

export class Chart {
  /** @param {{name: string, x: string, y: string, log?: boolean, points?: boolean, height?: number}} options */
  constructor(root, options) {
    Object.assign(this, { root, options, series: [], marks: [] });
    const empty = `Chart of ${options.name}: nothing yet`;
    this.box = make("div", { className: "chart-box", role: "img", "aria-label": empty });
    root.append(this.box);
    new ResizeObserver(() => this.plot && this.plot.width !== this.#width && this.plot.setSize({ width: this.#width, height: this.#height })).observe(root);
  }

  get #width() {
    return Math.max(200, this.box.clientWidth);
  }

  get #height() {
    return this.options.height ?? 150;
  }

  /** @param {string} words what the chart shows, for those who do not see it */
  show(series, words, marks = []) {
    const usable = series.filter(({ x }) => x.length);
    this.box.setAttribute("aria-label", words);
    this.marks = marks;
    if (!usable.length) return;
    const labels = usable.map(({ name }) => name).join();
    if (this.labels === labels && this.plot) {
      this.plot.setData(joined(usable));
      return;
    }
    this.labels = labels;
    this.rebuild(usable);
  }

  /** Start again, in other colours or with other runs. */
  rebuild(series = this.series) {
    this.series = series;
    this.plot?.destroy();
    this.plot = null;
    if (!series.length) return;
    const { x, y, log, points } = this.options;
    const axis = { stroke: style("--soft"), grid: { stroke: style("--line"), width: 1 }, ticks: { show: false }, font: "11px system-ui", values: ticks };
    const scale = log ? { distr: 3, range: (_, low, high) => [low / 1.2, high * 1.2] } : {};
    if (log) Object.assign(axis, { splits: (_, index, low, high) => decades(low, high), filter: (_, splits) => splits });
    this.plot = new uPlot(
      {
        width: this.#width,
        height: this.#height,
        legend: { show: false },
        cursor: { y: false, points: { size: 6 } },
        scales: { x: { time: false, ...scale }, y: scale },
        axes: [{ ...axis, size: 34, label: x, labelSize: 16, labelFont: "11px system-ui" }, { ...axis, size: 52, label: y, labelSize: 16, labelFont: "11px system-ui" }],
        series: [{}, ...series.map(({ name, colour }) => ({ label: name, stroke: style(colour), width: 1.75, spanGaps: true, points: { show: Boolean(points), size: 5 } }))],
        hooks: { draw: [(plot) => this.#mark(plot)] },
      },
      joined(series),
      this.box,
    );
  }

  /** Upright lines at values of x, named. */
  #mark(plot) {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.font = `${11 * devicePixelRatio}px system-ui`;
    this.marks.forEach(({ at, name, colour, dashed }, index) => {
      const x = plot.valToPos(at, "x", true);
      if (!(x >= bbox.left && x <= bbox.left + bbox.width)) return;
      ctx.strokeStyle = ctx.fillStyle = style(colour);
      ctx.lineWidth = 1.5 * devicePixelRatio;
      ctx.setLineDash(dashed ? [5 * devicePixelRatio, 4 * devicePixelRatio] : []);
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      const right = x > bbox.left + bbox.width * 0.6;
      ctx.textAlign = right ? "right" : "left";
      ctx.fillText(name, x + (right ? -5 : 5) * devicePixelRatio, bbox.top + (12 + 14 * index) * devicePixelRatio);
    });
    ctx.restore();
  }
}

/** Values in time, of bounded length: once it is full, every other one is left out. */
export class History {
  static most = 1200;

  constructor() {
    Object.assign(this, { steps: [], rows: [], stride: 1, seen: 0 });
  }

  add(step, values) {
    if (this.seen++ % this.stride) return;
    this.steps.push(step);
    this.rows.push(values);
    if (this.steps.length < History.most) return;
    const even = (_, index) => index % 2 === 0;
    this.steps = this.steps.filter(even);
    this.rows = this.rows.filter(even);
    this.stride *= 2;
  }

  of(name) {
    return this.rows.map((values) => values[name]);
  }
}
