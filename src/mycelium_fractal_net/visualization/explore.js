
/** The explorer of a notebook: sliders, a field that plays, the verdict and the features. View and tables are the lab's. */

const element = (tag, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
};

function slider(described, changed) {
  const { name, low, high, step, value, unit } = described;
  const shown = element("output", { value: String(value) });
  const input = element("input", { type: "range", min: low, max: high, step, value });
  input.setAttribute("aria-label", unit ? `${name} in ${unit}` : name);
  input.addEventListener("input", () => {
    shown.value = input.value;
    changed(name, Number(input.value));
  });
  return element("label", { className: "mfn-slider" }, element("span", { textContent: name }), input, shown);
}

function features(row, units) {
  return Object.entries(row).map(([name, value]) =>
    element("tr", {}, element("th", { textContent: name }), element("td", { textContent: `${Number(value.toPrecision(5))} ${units[name] ?? ""}` })),
  );
}

async function render({ model, el }) {
  const bytes = (name) => {
    const view = model.get(name);
    return view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength);
  };
  await loadColours(bytes("colours"));
  const canvas = element("canvas", { className: "mfn-field" });
  const overlay = element("canvas", { className: "mfn-overlay" });
  const verdict = element("p", { className: "mfn-verdict" });
  verdict.setAttribute("role", "status");
  const table = element("table", { className: "mfn-features" });
  const when = element("input", { type: "range", min: 0, step: 1, value: 0 });
  when.setAttribute("aria-label", "frame");
  const said = element("output");
  const play = element("button", { type: "button", textContent: "Play" });
  const variable = element("select", {}, ...["v", "activator", "inhibitor"].map((name) => new Option(name)));
  variable.setAttribute("aria-label", "variable");
  const sliders = element("div", { className: "mfn-sliders" });
  const bar = element("div", { className: "mfn-bar" }, play, when, said, variable);
  const left = element("div", {}, element("div", { className: "mfn-stack" }, canvas, overlay), bar, verdict);
  el.replaceChildren(element("div", { className: "mfn-explorer" }, left, element("div", {}, sliders, table)));

  const view = new FieldView(canvas, overlay, {});
  let timer = 0;
  let waiting = 0;

  function show() {
    const { frames, rows, columns, steps, events, limits } = model.get("movie");
    const index = Math.min(Number(when.value), frames - 1);
    const values = new Float32Array(bytes("values"), 4 * index * rows * columns, rows * columns);
    view.map = model.get("variable") === "v" ? "inferno" : "viridis";
    view.limits = limits;
    view.frame = { values, rows, columns, variable: model.get("variable"), growth_events: [] };
    view.redraw();
    view.rings = (events[index] ?? []).map(([row, column]) => ({ row, column, since: 0 }));
    view.decorate(0, true);
    said.value = `step ${steps[index]}`;
    table.replaceChildren(...features(model.get("rows")[index], model.get("units")));
  }

  function arrived() {
    const { frames } = model.get("movie");
    when.max = frames - 1;
    if (!timer) when.value = frames - 1;
    verdict.textContent = model.get("problem") || model.get("verdict");
    verdict.classList.toggle("mfn-problem", Boolean(model.get("problem")));
    if (frames) show();
  }

  function stop() {
    clearInterval(timer);
    timer = 0;
    play.textContent = "Play";
  }

  play.addEventListener("click", () => {
    if (timer) return stop();
    play.textContent = "Pause";
    if (Number(when.value) >= Number(when.max)) when.value = 0;
    timer = setInterval(() => {
      if (Number(when.value) >= Number(when.max)) return stop();
      when.value = Number(when.value) + 1;
      show();
    }, 80);
  });
  when.addEventListener("input", show);
  variable.addEventListener("change", () => {
    model.set("variable", variable.value);
    model.save_changes();
  });
  const changed = (name, value) => {
    clearTimeout(waiting);
    model.set("chosen", { ...model.get("chosen"), [name]: value });
    waiting = setTimeout(() => model.save_changes(), 60);
  };
  sliders.append(...model.get("sliders").map((described) => slider(described, changed)));
  model.on("change:revision", arrived);
  arrived();
  return () => {
    stop();
    clearTimeout(waiting);
    model.off("change:revision", arrived);
  };
}

export default { render };
