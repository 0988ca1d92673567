/**
 * The state of the page in the fragment of its URL, which browsers do not send: parameters that differ from the
 * defaults as they are, what is long as packed JSON. Keys are never part of it.
 */

const RATE = "k.";

/** @returns {Promise<string>} the fragment without its # */
export async function encode({ config, other, show, map }, parameters) {
  const members = new URLSearchParams();
  const long = {};
  for (const [name, value] of Object.entries(differing(config, parameters))) {
    if (name === "kinetics_parameters") for (const [rate, number] of Object.entries(value)) members.set(RATE + rate, number);
    else if (name === "schedule" || name === "stimuli") long[name] = value.map(Object.values);
    else members.set(name, value);
  }
  if (other) long.other = differing(other, parameters);
  if (show !== "v") members.set("show", show);
  if (map) members.set("map", map);
  if (Object.keys(long).length) members.set("more", await pack(long));
  return String(members);
}

/** Parameters that are not at their default; nothing else can be told apart in a result. */
export function differing(config, parameters) {
  const same = (name, value) => JSON.stringify(value) === JSON.stringify(parameters[name]?.default ?? null);
  return Object.fromEntries(Object.entries(config).filter(([name, value]) => name in parameters && !same(name, value)));
}

const CHANGE = ["step", "parameter", "value", "over"];
const STIMULUS = ["step", "row", "column", "radius", "variable", "value", "mode"];
const named = (names) => (values) => Object.fromEntries(names.map((name, index) => [name, values[index]]));

/** Read a fragment; what does not belong in it is left out. */
export async function decode(fragment, parameters) {
  const members = new URLSearchParams(fragment);
  const config = {};
  const rates = {};
  for (const [name, text] of members) {
    if (name.startsWith(RATE)) rates[name.slice(RATE.length)] = Number(text);
    else if (name in parameters) config[name] = typed(parameters[name], text);
  }
  if (Object.keys(rates).length) config.kinetics_parameters = rates;
  const long = members.has("more") ? await unpack(members.get("more")) : {};
  if (long.schedule) config.schedule = long.schedule.map(named(CHANGE));
  if (long.stimuli) config.stimuli = long.stimuli.map(named(STIMULUS));
  return { config, other: long.other ?? null, show: members.get("show") ?? "v", map: members.get("map") };
}

function typed({ type }, text) {
  if (type === "integer" || type === "number") return Number(text);
  if (type === "boolean") return text === "true";
  return type === "array" ? text.split(",").map(Number) : text;
}

async function pack(value) {
  const stream = new Blob([JSON.stringify(value)]).stream().pipeThrough(new CompressionStream("deflate-raw"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  const text = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

async function unpack(text) {
  const bytes = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return JSON.parse(await new Response(stream).text());
}
