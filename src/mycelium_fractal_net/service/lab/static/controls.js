/** The panel of parameters, made from the schema that OpenAPI shows: unit, range, default and description stand there. */

import { make, short } from "./dom.js";

const GROUPS = {
  "Lattice and time": ["grid_size", "steps", "seed", "boundary", "start"],
  Reaction: ["kinetics"],
  Potential: ["alpha", "leak", "rest_potential_mv", "turing_enabled", "turing_threshold", "turing_drive_mv"],
  "Growth events and noise": ["spike_probability", "quantum_jitter", "jitter_std_mv"],
  Arithmetic: ["dtype", "least_substeps"],
};
const OPEN = ["Lattice and time", "Reaction"];
const STEERED = new Set(["alpha", "leak", "spike_probability", "turing_threshold", "turing_drive_mv", "jitter_std_mv", "rest_potential_mv"]);

/** Whether a parameter can change while a run goes on. */
export const isSteered = (name) => STEERED.has(name) || name.startsWith("k.");

const spoken = (name) => name.replace(/^k\./, "").replace(/_mv$/, "").replaceAll("_", " ");

export class Controls {
  /** @param {(name: string, value: any) => void} changed */
  constructor(root, catalogue, changed) {
    Object.assign(this, { root, catalogue, changed, rows: new Map() });
    for (const [title, names] of Object.entries(GROUPS)) {
      const body = make("div", { className: "rows" }, ...names.map((name) => this.#row(name, catalogue.parameters[name])));
      if (title === "Reaction") body.append((this.rates = make("div", { className: "rows", id: "rates" })));
      root.append(make("details", { open: OPEN.includes(title) }, make("summary", { textContent: title }), body));
    }
  }

  /** Show a configuration; those that differ from their default are marked. */
  show(config) {
    if (this.kinetics !== config.kinetics) this.#showRates(config.kinetics);
    for (const [name, row] of this.rows) row.show(this.#valueOf(config, name));
  }

  #valueOf(config, name) {
    if (!name.startsWith("k.")) return config[name];
    const rate = name.slice(2);
    return config.kinetics_parameters[rate] ?? this.catalogue.kinetics[config.kinetics].parameters[rate].default;
  }

  #showRates(kinetics) {
    this.kinetics = kinetics;
    for (const name of [...this.rows.keys()].filter((one) => one.startsWith("k."))) this.rows.delete(name);
    const { source, parameters } = this.catalogue.kinetics[kinetics];
    const rates = this.catalogue.parameters.kinetics_parameters.properties;
    const rows = Object.entries(parameters).map(([rate, { default: usual, range }]) => {
      const { minimum, maximum } = rates[rate] ?? {};
      const [low, high] = range ?? [Math.min(0, 2 * usual), Math.max(2 * usual, usual === 0 ? 1 : 0)];
      const unit = rate.startsWith("D_") ? "cells²/step" : "per step";
      const description = rate.startsWith("D_") ? `Diffusion of the ${rate === "D_a" ? "activator" : "inhibitor"}.` : `Rate constant of ${kinetics}.`;
      return this.#row(`k.${rate}`, { type: "number", default: usual, minimum, maximum, low, high, unit, description });
    });
    this.rates.replaceChildren(...rows, make("p", { className: "source", textContent: source }));
  }

  #row(name, schema) {
    const { enum: choices, type } = schema;
    const row = choices ? this.#choice(name, schema) : type === "boolean" ? this.#flag(name, schema) : this.#number(name, schema);
    const about = make("p", { className: "about", id: `about-${name}`, textContent: this.#about(schema) });
    const element = make("div", { className: "row", data: { parameter: name } }, ...row.elements, about);
    row.input.setAttribute("aria-describedby", about.id);
    this.rows.set(name, {
      show(value) {
        row.show(value);
        element.classList.toggle("changed", value !== schema.default);
      },
    });
    return element;
  }

  #about({ description, default: usual, minimum, maximum, low, high, unit }) {
    const range = Number.isFinite(minimum) && Math.abs(minimum) < 1e6 && maximum < 1e9 ? ` ${short(minimum)} to ${short(maximum)}.` : "";
    const tested = low !== undefined && !range ? ` Shown: ${short(low)} to ${short(high)}.` : "";
    return `${description}${range}${tested} Default ${typeof usual === "number" ? short(usual) : usual}${unit && typeof usual === "number" ? ` ${unit}` : ""}.`;
  }

  #label(name, unit, id) {
    return make("label", { for: id }, spoken(name), ...(unit && unit !== name ? [make("small", { textContent: ` ${unit}` })] : []));
  }

  #choice(name, { enum: choices, unit }) {
    const id = `value-${name}`;
    const usable = name === "start" ? choices.filter((one) => one !== "array") : choices;
    const input = make("select", { id }, ...usable.map((one) => make("option", { value: one, textContent: one })));
    input.onchange = () => this.changed(name, input.value);
    return { input, elements: [this.#label(name, unit, id), input], show: (value) => (input.value = value) };
  }

  #flag(name, { unit }) {
    const id = `value-${name}`;
    const input = make("input", { id, type: "checkbox" });
    input.onchange = () => this.changed(name, input.checked);
    return { input, elements: [this.#label(name, unit, id), input], show: (value) => (input.checked = value) };
  }

  #number(name, { type, minimum, maximum, low = minimum, high = maximum, unit }) {
    const id = `value-${name}`;
    const whole = type === "integer";
    const most = Math.min(maximum ?? Infinity, Number.MAX_SAFE_INTEGER);
    const input = make("input", { id, type: "number", step: whole ? 1 : "any", inputMode: "decimal", required: true });
    if (minimum !== undefined) Object.assign(input, { min: minimum, max: most });
    const step = whole ? (name === "grid_size" ? 8 : 1) : Number(((high - low) / 200).toPrecision(1));
    const slider = name === "seed" ? null : make("input", { type: "range", min: low, max: high, step, "aria-label": `${spoken(name)}, slider` });
    const dice = slider ? null : make("button", { type: "button", className: "quiet", title: "Another seed", "aria-label": "Another seed", textContent: "⚄" });
    input.onchange = () => {
      const value = Number(input.value);
      const ok = input.checkValidity() && input.value !== "";
      input.toggleAttribute("aria-invalid", false);
      if (ok) this.changed(name, value);
      else input.setAttribute("aria-invalid", "true");
    };
    if (slider) slider.oninput = () => this.changed(name, whole ? Math.round(slider.valueAsNumber) : Number(slider.valueAsNumber.toPrecision(6)));
    if (dice) dice.onclick = () => this.changed(name, Math.floor(Math.random() * 1e6));
    const show = (value) => {
      if (document.activeElement !== input) input.value = value;
      if (slider) slider.value = value;
    };
    return { input, elements: [this.#label(name, unit, id), slider ?? dice, input], show };
  }
}

/** The gallery of regimes: pictures in one strip, which is loaded after the page. */
export function gallery(root, regimes, choose) {
  const side = 64;
  const own = ({ name }) => Number(!name.startsWith("mycelium"));
  for (const [index, regime] of [...regimes.entries()].sort(([, one], [, two]) => own(one) - own(two))) {
    const picture = make("span", { className: "picture" });
    picture.style.backgroundPositionX = `${-index * side}px`;
    const name = make("span", { className: "name", textContent: regime.name });
    const button = make("button", { type: "button", title: `${regime.look_for} (${regime.source})`, "aria-pressed": "false", data: { regime: regime.name } }, picture, name);
    button.onclick = () => choose(regime);
    root.append(button);
  }
}

/** Mark the regime that is shown. */
export function chosen(root, name) {
  for (const button of root.children) button.setAttribute("aria-pressed", String(button.dataset.regime === name));
}
