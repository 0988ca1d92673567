/** The page: panes, panel, transport, measures, links. All it knows of fields it asks of the public API. */

import { call, key, pace } from "./api.js";
import { Connection } from "./connection.js";
import { Controls, chosen, gallery, isSteered } from "./controls.js";
import { find, findAll, make, quiet, short, tell, write } from "./dom.js";
import { copy, prepareHome, showLines } from "./home.js";
import { Measures } from "./measures.js";
import { paintable } from "./paint.js";
import { OWN_MAP, Pane, VARIABLES } from "./pane.js";
import { discsOf } from "./picture.js";
import { decode, encode } from "./share.js";
import { prepareTour, startTour } from "./tour.js";
import { colourMaps, loadColours } from "./view.js";

const SPEEDS = [[1, 4], [1, 15], [1, 60], [2, 60], [4, 60], [8, 60], [16, 60], [32, 60], [64, 60]];
const STOCK = 2;
const FIRST_REGIME = "mycelium-labyrinth";
const calm = matchMedia("(prefers-reduced-motion: reduce)");

const page = { panes: [], active: 0, field: "v", map: OWN_MAP.v, catalogue: null, stability: new Map(), measures: null };
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

const told = { told: (pane) => (pane.dirty = true), analysed: () => page.measures.show() };

function addPane(config) {
  const name = "AB"[page.panes.length];
  const pane = new Pane(name, connection, told, paintersAsked());
  pane.config = config;
  Object.assign(pane.run, { field: page.field });
  pane.view.map = page.map;
  paintable(pane, brush, (_, row, column) => readOut(pane, row, column));
  find("#panes").append(pane.root);
  page.panes.push(pane);
  applySpeed();
  return pane;
}

/** `?canvas` asks for pixels, `?card` for WebGL2 also where a processor plays the graphics card. */
function paintersAsked() {
  const asked = new URLSearchParams(location.search);
  return { useCard: !asked.has("canvas"), anyCard: asked.has("card") };
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
  pane.show();
  if (pane !== active()) return;
  refreshTransport();
  refreshSteering();
}

function refreshTransport() {
  const runs = page.panes.map(({ run }) => run);
  const playing = runs.some((run) => run.playing);
  const words = playing ? "Pause" : runs.every(({ status }) => status === "done") ? "Run again" : "Run";
  write(find("#play .words"), words);
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
  write(find("#steering .words"), `Steering: ${parts.map(([count, name]) => `${count} ${name}${count > 1 ? "s" : ""}`).join(", ")}.`);
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
  page.controls?.show(present(active()));
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
  page.measures.show();
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
  page.regime = regime.name;
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
  for (const { run } of page.panes) {
    run.setEvery(every);
    run.setStock(rate < 30 ? 0 : STOCK);
  }
}

function setField(field) {
  if (page.map === OWN_MAP[page.field]) setMap(OWN_MAP[field]);
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

// Links and keys

const linkSoon = quiet(() => 300, async () => history.replaceState(null, "", `#${await fragment()}`));

function fragment() {
  const [first, second] = page.panes;
  return encode({ config: first.config, other: second?.config, show: page.field, map: page.map === OWN_MAP[page.field] ? null : page.map }, parameters());
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
  setMap(colourMaps.includes(map) ? map : OWN_MAP[page.field]);
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
  page.measures?.forgetRuns();
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

function prepareStage() {
  find("#fields").append(...Object.entries(VARIABLES).map(([field, words]) => radio("field", field, words, field === "v", setField)));
  find("#map").append(...colourMaps.map((name) => make("option", { textContent: name })));
  find("#speed").value = 3;
}

function prepare() {
  find("#version").textContent = page.catalogue.version;
  find("#api").hidden = !page.catalogue.docs_enabled;
  find("#change-key").hidden = !page.catalogue.key_required;
  page.controls = new Controls(find("#parameters"), page.catalogue, changed);
  gallery(find("#regimes"), page.catalogue.regimes, pick);
  chosen(find("#regimes"), page.regime);
  page.measures = new Measures(page.catalogue.features, { panes: page.panes, active });
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
  page.measures.rebuild();
}

function loop(now) {
  for (const pane of page.panes) {
    if (pane.tick(now, calm.matches, page.shortestMs)) pane.analyse();
    if (pane.dirty) refresh(pane);
    pane.dirty = false;
  }
  page.measures.follow(now);
  if (now - (page.spokeAt ?? 0) > 2000) {
    page.spokeAt = now;
    speak();
  }
  requestAnimationFrame(loop);
}

/** Say in a sentence what the runs do, for those who do not see them; not more often than one can listen. */
function speak() {
  const sentences = page.panes.map((pane) => `Run ${pane.name}: ${pane.sentence()}`);
  page.panes.forEach((pane) => write(find(".summary", pane.root), pane.sentence()));
  const moving = page.panes.some(({ run }) => run.playing);
  if (!moving && page.spoken === sentences.join(" ")) return;
  page.spoken = sentences.join(" ");
  if (!moving || performance.now() - (page.saidAt ?? -1e9) > 10000) {
    page.saidAt = performance.now();
    find("#live").textContent = page.spoken;
  }
  write(find("#rate"), `${Math.round(active().clock.rate)} frames a second`);
}

/** The service is asked for the run first; while it computes, the rest of the page is made. */
async function start() {
  connection.open();
  const load = (name) => fetch(new URL(name, import.meta.url));
  const [catalogue, colours] = await Promise.all([load("catalogue.json"), load("colours.bin")]);
  page.catalogue = await catalogue.json();
  loadColours(await colours.arrayBuffer());
  prepareStage();
  addPane(defaults());
  await follow();
  prepare();
  activate(0);
  requestAnimationFrame(loop);
}

start().catch((error) => {
  tell(`The lab could not start: ${error.message}`, "alarm");
  throw error;
});
