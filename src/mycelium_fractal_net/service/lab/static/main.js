/** The page: panes, panel, transport, measures, links. All it knows of fields it asks of the public API. */

import { call, key, pace } from "./api.js";
import { Chart } from "./charts.js";
import { Connection } from "./connection.js";
import { Controls, chosen, gallery, isSteered } from "./controls.js";
import { find, findAll, make, quiet, short, tell } from "./dom.js";
import { copy, prepareHome, showLines } from "./home.js";
import { paintable } from "./paint.js";
import { Pane, VARIABLES } from "./pane.js";
import { discsOf } from "./picture.js";
import { decode, encode } from "./share.js";
import { prepareTour, startTour } from "./tour.js";
import { colourMaps, loadColours } from "./view.js";

const SPEEDS = [[1, 4], [1, 15], [1, 60], [2, 60], [4, 60], [8, 60], [16, 60], [32, 60], [64, 60]];
const COLOURS = { A: "--run-a", B: "--run-b" };
const FIRST_REGIME = "mycelium-labyrinth";
const calm = matchMedia("(prefers-reduced-motion: reduce)");

const page = { panes: [], active: 0, field: "v", map: "viridis", catalogue: null, stability: new Map() };
const active = () => page.panes[page.active];
const parameters = () => page.catalogue.parameters;

function defaults() {
  const values = Object.entries(parameters()).filter(([name]) => name !== "start_digest");
  return structuredClone(Object.fromEntries(values.map(([name, schema]) => [name, schema.default ?? null])));
}

// Panes

const connection = new Connection({
  state(name, words) {
    const box = find("#connection");
    box.dataset.state = name;
    find(".words", box).textContent = words;
  },
  refused(error) {
    if (["AUTHENTICATION_REQUIRED", "INVALID_API_KEY"].includes(error.code)) askForKey(error);
    else tell(error.message, "alarm");
  },
});

const told = { told: (pane) => (pane.dirty = true), analysed: () => showMeasures() };

function addPane(config) {
  const name = "AB"[page.panes.length];
  const pane = new Pane(name, connection, told, { useCard: !new URLSearchParams(location.search).has("canvas") });
  pane.config = config;
  Object.assign(pane.run, { field: page.field });
  pane.view.map = page.map;
  paintable(pane, brush, (_, row, column) => readOut(pane, row, column));
  find("#panes").append(pane.root);
  page.panes.push(pane);
  applySpeed();
  return pane;
}

function begin(pane) {
  pane.live = {};
  pane.stale = false;
  applySpeed();
  pane.begin();
  if (calm.matches && !page.asked) {
    pane.run.pause();
    pane.stepOnce();
  }
}

function readOut(pane, row, column) {
  const value = pane.view.valueAt(row, column);
  const unit = pane.frame.variable === "v" ? " mV" : "";
  find(".readout", pane.root).textContent = `row ${row}, column ${column}: ${short(value)}${unit}`;
}

function refresh(pane) {
  const { run, frame, root } = pane;
  root.dataset.status = run.status;
  root.classList.toggle("blank", !frame);
  find("progress", root).value = run.total ? (frame?.step ?? 0) / run.total : 0;
  find(".at", root).textContent = frame ? `${pane.config.kinetics} · step ${frame.step} of ${run.total}` : pane.config.kinetics;
  if (pane === active()) {
    refreshTransport();
    refreshSteering();
  }
}

function refreshTransport() {
  const runs = page.panes.map(({ run }) => run);
  const playing = runs.some((run) => run.playing);
  find("#play .words").textContent = playing ? "Pause" : runs.every(({ status }) => status === "done") ? "Run again" : "Run";
  find("#play").dataset.doing = playing ? "halt" : "go";
  find("#extend").hidden = !runs.every((run) => run.status === "done") || active().config.steps >= 10000;
  find("#cancel").disabled = !runs.some((run) => run.isLive);
  find("#restart").classList.toggle("wanted", page.panes.some((pane) => pane.stale));
}

function refreshSteering() {
  const pane = active();
  const { schedule, stimuli } = pane.config;
  const size = schedule.length + stimuli.length;
  if (pane.linked !== size) linkSoon();
  pane.linked = size;
  const parts = [[schedule.length, "change"], [stimuli.length, "dab"]].filter(([count]) => count);
  find("#steering").hidden = !parts.length;
  find("#steering .words").textContent = `Steering: ${parts.map(([count, name]) => `${count} ${name}${count > 1 ? "s" : ""}`).join(", ")}.`;
}

// Panel

function changed(name, value) {
  const pane = active();
  if (pane.isSteerable && isSteered(name)) {
    pane.live = { ...pane.live, [name]: value };
    steerSoon(pane);
  } else {
    setParameter(pane, name, value);
    if (pane.isSteerable) pane.stale = true;
    page.regime = null;
    chosen(find("#regimes"), null);
  }
  showPanel();
  stabilitySoon();
  linkSoon();
}

function setParameter(pane, name, value) {
  const { config } = pane;
  if (name.startsWith("k.")) config.kinetics_parameters = { ...config.kinetics_parameters, [name.slice(2)]: value };
  else config[name] = value;
  if (name === "kinetics") config.kinetics_parameters = {};
}

const steerSoon = quiet(() => 150, (pane) => {
  const changes = Object.fromEntries(Object.entries(pane.live).filter(([name, value]) => value !== pane.sent?.[name]));
  pane.sent = { ...pane.sent, ...changes };
  pane.steer(Object.fromEntries(Object.entries(changes).map(([name, value]) => [name.replace(/^k\./, ""), value])));
});

/** The configuration with what was steered since. */
function present(pane) {
  const config = structuredClone(pane.config);
  if (pane.isSteerable) for (const [name, value] of Object.entries(pane.live ?? {})) setParameter({ config }, name, value);
  return config;
}

function showPanel() {
  page.controls.show(present(active()));
}

const stabilitySoon = quiet(() => pace("stability", 120), askStability);

async function askStability() {
  const { kinetics, kinetics_parameters } = present(active());
  const body = { kinetics, kinetics_parameters };
  const name = JSON.stringify(body);
  try {
    if (!page.stability.has(name)) page.stability.set(name, await (await call("stability", { body })).json());
    showStability(page.stability.get(name));
  } catch (error) {
    if (error.code === "RATE_LIMIT_EXCEEDED") setTimeout(stabilitySoon, 1000 * (error.retryAfter ?? 5));
    else showStability({ explanation: error.message, refused: true });
  }
  if (page.stability.size > 200) page.stability.delete(page.stability.keys().next().value);
}

function showStability(report) {
  const box = find("#stability");
  const length = report.wavelength_lattice_cells ?? report.wavelength_cells;
  const verdict = report.refused ? "refused" : report.turing_unstable ? "pattern" : report.homogeneous_stable ? "uniform" : "unstable";
  const words = {
    pattern: length ? `A pattern grows, ${short(length, 3)} cells apart` : "A pattern grows",
    uniform: "Stays uniform: no pattern from noise",
    unstable: "The steady state is unstable by itself",
    refused: "Not usable",
  };
  box.dataset.verdict = verdict;
  find(".sign", box).textContent = { pattern: "◉", uniform: "○", unstable: "◈", refused: "△" }[verdict];
  find(".words", box).textContent = words[verdict];
  find(".explanation", box).textContent = report.explanation;
  active().predicted = verdict === "pattern" ? length : null;
  showMeasures();
}

function pick(regime) {
  const pane = active();
  pane.config = { ...defaults(), ...structuredClone(regime.settings), seed: pane.config.seed };
  pane.config.kinetics_parameters ??= {};
  page.asked = true;
  setField(regime.settings.kinetics === "mycelium" ? "v" : "activator");
  find("#speed").value = pane.config.steps > 2000 ? 6 : pane.config.steps > 1000 ? 4 : 3;
  showRegime(regime);
  showPanel();
  setBrushValue();
  stabilitySoon();
  begin(pane);
  linkSoon();
}

function showRegime(regime) {
  chosen(find("#regimes"), regime.name);
  find("#regime-words").textContent = `${regime.look_for[0].toUpperCase()}${regime.look_for.slice(1)}. ${regime.source}.`;
}

// Transport

function togglePlay() {
  page.asked = true;
  const runs = page.panes.map(({ run }) => run);
  if (runs.some((run) => run.playing)) return runs.forEach((run) => run.pause());
  for (const pane of page.panes) {
    if (["idle", "done", "failed"].includes(pane.run.status)) begin(pane);
    else pane.run.play();
  }
}

function restart() {
  page.asked = true;
  page.panes.forEach(begin);
}

function stepOnce() {
  for (const pane of page.panes) {
    if (["idle", "done", "failed"].includes(pane.run.status)) begin(pane);
    pane.run.pause();
    pane.stepOnce();
  }
}

function applySpeed() {
  const [every, rate] = SPEEDS[find("#speed").value];
  page.shortestMs = 1000 / rate;
  find("#speed-words").textContent = `${every} step${every > 1 ? "s" : ""} a frame${rate < 60 ? `, ${rate} a second` : ""}`;
  for (const { run } of page.panes) run.setEvery(every);
}

function setField(field) {
  page.field = field;
  for (const input of findAll("#fields input")) input.checked = input.value === field;
  for (const { run } of page.panes) run.setField(field);
  linkSoon();
}

function setMap(map) {
  page.map = find("#map").value = map;
  for (const { view } of page.panes) {
    view.map = map;
    if (view.frame) view.redraw();
  }
  linkSoon();
}

// Brush

const brush = () => ({
  on: find("#brush-on").checked,
  variable: find("#brush-variable").value,
  value: find("#brush-value").valueAsNumber || 0,
  radius: find("#brush-radius").valueAsNumber,
  mode: find("#brush-mode").value,
});

/** What excites cells of the kinetics that is set. */
function setBrushValue() {
  const { activator_range: [, high], patches } = page.catalogue.kinetics[active().config.kinetics];
  const usual = { activator: patches?.activator ?? high, inhibitor: patches?.inhibitor ?? 0, potential: 20 };
  find("#brush-value").value = usual[find("#brush-variable").value];
  showBrush();
}

function showBrush() {
  const { variable, value, radius, mode } = brush();
  find("#brush-radius-words").textContent = radius;
  find("#brush-words").textContent = `${mode}s ${variable} ${mode === "set" ? "to" : "by"} ${short(value)}, radius ${radius}`;
  for (const overlay of findAll(".overlay")) overlay.classList.toggle("paints", brush().on);
}

async function drawPicture(file) {
  const pane = active();
  try {
    const discs = await discsOf(file, pane.config.grid_size);
    const { activator_range: [, high], patches } = page.catalogue.kinetics[pane.config.kinetics];
    const kinds = patches ? [["activator", patches.activator], ["inhibitor", patches.inhibitor]] : [["activator", high]];
    pane.config.stimuli = kinds.flatMap(([variable, value]) => discs.map((disc) => ({ step: 0, ...disc, variable, value, mode: "set" })));
    page.asked = true;
    begin(pane);
    tell(`Your picture is ${discs.length} discs of excited cells at step 0. It never left this browser as a picture.`);
    linkSoon();
  } catch {
    tell("The browser cannot read this picture. Take a PNG, JPEG or WebP.", "alarm");
  }
}

// Measures

function prepareMeasures() {
  const names = Object.keys(page.catalogue.features);
  find("#feature").append(...names.map((name) => make("option", { textContent: name, selected: name === "V_mean" })));
  find("#feature").onchange = showMeasures;
  find("#feature-table tbody").append(...names.map((name) => make("tr", { data: { name } }, make("th", { scope: "row", textContent: name }), make("td", { textContent: page.catalogue.features[name] }))));
  const unit = () => page.catalogue.features[find("#feature").value];
  page.charts = {
    feature: new Chart(find("#feature-chart"), { name: "features in time", x: "step", get y() { return unit() === "1" ? "" : unit(); } }),
    spectrum: new Chart(find("#spectrum-chart"), { name: "the spectrum", x: "wavelength (cells)", y: "power", log: true }),
    boxes: new Chart(find("#box-chart"), { name: "box counts", x: "box side (cells)", y: "boxes", log: true, points: true }),
    slopes: new Chart(find("#slope-chart"), { name: "local slopes", x: "box side (cells)", y: "local slope", points: true, height: 110 }),
  };
}

function showMeasures() {
  showFeatures();
  const measured = page.panes.filter((pane) => pane.analysis);
  if (!measured.length) return;
  const of = (make_) => measured.map((pane) => ({ name: pane.name, colour: COLOURS[pane.name], ...make_(pane.analysis) }));
  showSpectrum(of(({ spectrum: { wavenumbers, power } }) => ({ x: wavenumbers.map((k) => 1 / k).reverse(), y: power.map((p) => (p > 0 ? p : null)).reverse() })));
  showBoxes(measured, of);
}

function showFeatures() {
  const name = find("#feature").value;
  const series = page.panes.map((pane) => ({ name: pane.name, colour: COLOURS[pane.name], x: pane.history.steps, y: pane.history.of(name) }));
  const last = page.panes.map((pane) => `run ${pane.name} ${short(pane.history.rows.at(-1)?.[name])}`).join(", ");
  if (page.shownFeature !== name) page.charts.feature.labels = null;
  page.shownFeature = name;
  page.charts.feature.show(series, `${name} in time; now ${last} ${page.catalogue.features[name]}`);
  if (find("#all-features").open) showTable();
}

function showTable() {
  const head = find("#feature-table thead tr");
  page.panes.forEach(({ name }, index) => head.children[2 + index] ?? head.append(make("th", { scope: "col", className: "value", textContent: `run ${name}` })));
  for (const row of findAll("#feature-table tbody tr")) {
    page.panes.forEach((pane, index) => {
      const cell = row.children[2 + index] ?? row.appendChild(make("td", { className: "value" }));
      cell.textContent = short(pane.history.rows.at(-1)?.[row.dataset.name]);
    });
  }
}

function showSpectrum(series) {
  const pane = active();
  const { predicted } = pane;
  const found = pane.analysis?.spectrum.wavelength_cells;
  const marks = [];
  if (predicted) marks.push({ at: predicted, name: `predicted ${short(predicted, 3)}`, colour: "--predicted", dashed: true });
  if (found) marks.push({ at: found, name: `measured ${short(found, 3)}`, colour: "--measured" });
  const words = `measured ${found ? `${short(found, 3)} cells` : "none yet"}${predicted ? `, predicted ${short(predicted, 3)}` : ""}`;
  find("#spectrum-words").textContent = words;
  page.charts.spectrum.show(series, `Power by wavelength; ${words}`, marks);
}

function showBoxes(measured, of) {
  const { box_counting: boxes } = (active().analysis ? active() : measured[0]).analysis;
  const error = boxes.standard_error === null ? "" : ` ± ${short(boxes.standard_error, 2)}`;
  const words = `dimension ${short(boxes.dimension, 3)}${error}, ${boxes.verdict}`;
  find("#box-words").textContent = words;
  page.charts.boxes.show(of(({ box_counting: { scales, counts } }) => ({ x: scales, y: counts.map((count) => count || null) })), `Boxes by their side; ${words}`);
  const slopes = of(({ box_counting: { scales, counts } }) => ({
    x: scales.slice(1).map((scale, index) => Math.sqrt(scale * scales[index])),
    y: counts.slice(1).map((count, index) => (count && counts[index] ? Math.log(counts[index] / count) / Math.log(scales[index + 1] / scales[index]) : null)),
  }));
  page.charts.slopes.show(slopes, "Local slopes between neighbouring box sides; a fractal has the same one over a range");
}

function showEvents() {
  const pane = active();
  find("#event-words").textContent = `${pane.eventCount} so far`;
  const rows = pane.events.slice(0, 12).map(([step, row, column, jump]) => make("li", { textContent: `step ${step}: (${row}, ${column}) +${short(jump, 3)} mV` }));
  find("#events").replaceChildren(...rows);
}

// Links and keys

const linkSoon = quiet(() => 300, async () => history.replaceState(null, "", `#${await fragment()}`));

function fragment() {
  const [first, second] = page.panes;
  return encode({ config: first.config, other: second?.config, show: page.field, map: page.map }, parameters());
}

async function share() {
  const link = new URL(`#${await fragment()}`, location.href);
  link.search = "";
  history.replaceState(null, "", link.hash);
  await copy(String(link), find("#share"));
}

async function follow() {
  const { config, other, show, map } = await decode(location.hash.slice(1), parameters());
  const known = Object.keys(config).length;
  const regime = page.catalogue.regimes.find(({ name }) => name === FIRST_REGIME);
  const [pane] = page.panes;
  pane.config = { ...defaults(), ...(known ? config : structuredClone(regime.settings)) };
  setField(show in VARIABLES ? show : "v");
  setMap(colourMaps.includes(map) ? map : "viridis");
  if (!known) showRegime(regime);
  if (Boolean(other) !== page.panes.length > 1) toggleCompare(other);
  begin(pane);
}

function askForKey(error) {
  find("#change-key").hidden = false;
  find("#key-words").textContent = error.code === "INVALID_API_KEY" ? error.message : "It stays in this tab until you close it, and is never part of a link.";
  key.forget();
  const dialog = find("#key-dialog");
  if (!dialog.open) dialog.showModal();
}

function useKey() {
  key.set(find("#key").value.trim());
  find("#key").value = "";
  find("#key-dialog").close();
  connection.open();
  stabilitySoon();
}

// Comparing

function toggleCompare(config) {
  const [first, second] = page.panes;
  if (second) {
    second.run.cancel();
    second.root.remove();
    page.panes.pop();
    activate(0);
  } else {
    const other = addPane({ ...defaults(), ...structuredClone(config ?? { ...first.config }) });
    activate(config ? 0 : 1);
    page.asked = true;
    if (!config) begin(first);
    begin(other);
  }
  find("#compare").setAttribute("aria-pressed", String(page.panes.length > 1));
  find("#panes").classList.toggle("two", page.panes.length > 1);
  findAll("#feature-table .value").forEach((cell) => cell.remove());
  linkSoon();
}

function activate(index) {
  page.active = index;
  const box = find("#which");
  box.hidden = page.panes.length < 2;
  box.replaceChildren(...page.panes.map(({ name }, at) => radio("which", name, `Run ${name}`, at === index, () => activate(at))));
  for (const [at, { root }] of page.panes.entries()) root.classList.toggle("active", at === index && page.panes.length > 1);
  showPanel();
  setBrushValue();
  stabilitySoon();
  refresh(active());
}

function radio(group, value, words, checked, choose) {
  const input = make("input", { type: "radio", name: group, value, checked });
  input.onchange = () => choose(value);
  return make("label", {}, input, make("span", { textContent: words }));
}

// The page

const KEYS = {
  " ": togglePlay,
  s: stepOnce,
  r: restart,
  1: () => setField("v"),
  2: () => setField("activator"),
  3: () => setField("inhibitor"),
  "[": () => resizeBrush(-1),
  "]": () => resizeBrush(1),
  c: () => toggleCompare(),
  h: () => takeHome(),
  t: startTour,
  "?": () => find("#help-dialog").showModal(),
};

function resizeBrush(by) {
  find("#brush-radius").valueAsNumber += by;
  showBrush();
}

function onKey(event) {
  const typing = event.target.closest("input:not([type=range], [type=checkbox], [type=radio]), select, textarea, dialog");
  const pressing = event.key === " " && event.target.closest("button, summary, input, a");
  if (typing || pressing || event.ctrlKey || event.metaKey || event.altKey || !(event.key in KEYS)) return;
  event.preventDefault();
  KEYS[event.key]();
}

function takeHome() {
  const pane = active();
  if (!pane.frame) return tell("There is nothing to take home before the first frame.");
  page.asked = true;
  page.panes.forEach(({ run }) => run.pause());
  showLines(pane, parameters());
  const digest = pane.run.receipt?.result_digest;
  find("#receipt").textContent = digest ? `Receipt of the whole run: ${digest}` : "The receipt of the whole run appears here when it is done.";
  find("#home").showModal();
}

function prepare() {
  find("#version").textContent = page.catalogue.version;
  find("#api").hidden = !page.catalogue.docs_enabled;
  find("#change-key").hidden = !page.catalogue.key_required;
  page.controls = new Controls(find("#parameters"), page.catalogue, changed);
  gallery(find("#regimes"), page.catalogue.regimes, pick);
  find("#fields").append(...Object.entries(VARIABLES).map(([field, words]) => radio("field", field, words, field === "v", setField)));
  find("#map").append(...colourMaps.map((name) => make("option", { textContent: name })));
  prepareMeasures();
  prepareHome(parameters(), active);
  prepareTour();
  const clicks = {
    play: togglePlay, step: stepOnce, restart, share, "start-tour": startTour, take: takeHome,
    cancel: () => page.panes.forEach(({ run }) => run.cancel()),
    extend: () => page.panes.forEach((pane) => pane.run.extend(Math.min(pane.config.steps, 10000 - pane.config.steps))),
    compare: () => toggleCompare(),
    help: () => find("#help-dialog").showModal(),
    theme: switchTheme,
    "change-key": () => askForKey({}),
    "clear-steering": clearSteering,
  };
  for (const [id, action] of Object.entries(clicks)) find(`#${id}`).onclick = action;
  find("#told button").onclick = () => (find("#told").hidden = true);
  find("#speed").oninput = applySpeed;
  find("#map").onchange = () => setMap(find("#map").value);
  find("#brush").oninput = ({ target }) => (target.id === "brush-variable" ? setBrushValue() : showBrush());
  find("#picture").onchange = ({ target }) => target.files[0] && drawPicture(target.files[0]);
  find("#explain").onchange = ({ target }) => find("#parameters").classList.toggle("explained", target.checked);
  find("#key-dialog form").onsubmit = useKey;
  for (const button of findAll("[data-close]")) button.onclick = () => button.closest("dialog").close();
  find("#all-features").ontoggle = showFeatures;
  find("#brush-on").checked = !matchMedia("(pointer: coarse)").matches;
  addEventListener("keydown", onKey);
  addEventListener("hashchange", follow);
  document.addEventListener("visibilitychange", () => !document.hidden && page.panes.forEach(({ run }) => run.playing && run.wake()));
}

function clearSteering() {
  const pane = active();
  Object.assign(pane.config, { schedule: [], stimuli: [] });
  begin(pane);
  linkSoon();
}

function switchTheme() {
  const root = document.documentElement;
  const dark = (root.dataset.theme ?? (matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark")) === "dark";
  root.dataset.theme = dark ? "light" : "dark";
  Object.values(page.charts).forEach((chart) => chart.rebuild());
}

function loop(now) {
  for (const pane of page.panes) {
    if (pane.tick(now, calm.matches, page.shortestMs)) pane.analyse();
    if (pane.dirty) refresh(pane);
    pane.dirty = false;
  }
  if (now - (page.measuredAt ?? 0) > 250) {
    page.measuredAt = now;
    showFeatures();
    showEvents();
  }
  if (now - (page.spokeAt ?? 0) > 2000) {
    page.spokeAt = now;
    speak();
  }
  requestAnimationFrame(loop);
}

/** Say in a sentence what the runs do, for those who do not see them; not more often than one can listen. */
function speak() {
  const sentences = page.panes.map((pane) => `Run ${pane.name}: ${pane.sentence()}`);
  page.panes.forEach((pane) => (find(".summary", pane.root).textContent = pane.sentence()));
  const moving = page.panes.some(({ run }) => run.playing);
  if (!moving && page.spoken === sentences.join(" ")) return;
  page.spoken = sentences.join(" ");
  if (!moving || performance.now() - (page.saidAt ?? -1e9) > 10000) {
    page.saidAt = performance.now();
    find("#live").textContent = page.spoken;
  }
  find("#rate").textContent = `${Math.round(active().clock.rate)} frames a second`;
}

async function start() {
  const load = (name) => fetch(new URL(name, import.meta.url));
  const [catalogue, colours] = await Promise.all([load("catalogue.json"), load("colours.bin")]);
  page.catalogue = await catalogue.json();
  loadColours(await colours.arrayBuffer());
  prepare();
  addPane(defaults());
  find("#speed").value = 3;
  applySpeed();
  await follow();
  activate(0);
  requestAnimationFrame(loop);
}

start().catch((error) => {
  tell(`The lab could not start: ${error.message}`, "alarm");
  throw error;
});
