/** The configuration of a run in words of other front doors: each line makes the same bits. */

/** A number that Python, YAML and the shell read as the same double. */
function number(value) {
  const text = String(value);
  return text.includes("e") && !text.includes(".") ? text.replace("e", ".0e") : text;
}

function python(value) {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "number") return number(value);
  if (typeof value === "string") return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(python).join(", ")}]`;
  return `{${Object.entries(value).map(([name, one]) => `${JSON.stringify(name)}: ${python(one)}`).join(", ")}}`;
}

/** One line of Python. */
export function pythonLine(config) {
  const members = Object.entries(config).map(([name, value]) => `${name}=${python(value)}`);
  return `import mycelium_fractal_net as mfn; result = mfn.simulate(mfn.SimulationConfig(${members.join(", ")}))`;
}

const ENTRIES = { schedule: "change", stimuli: "stimulus" };
const pairs = (entry) => Object.entries(entry).map(([name, value]) => `${name}=${typeof value === "number" ? number(value) : value}`);

/** One line for the shell. */
export function shellLine(config) {
  const options = Object.entries(config).flatMap(([name, value]) => {
    const option = `--${name.replaceAll("_", "-")}`;
    if (name === "kinetics_parameters") return pairs(value).map((pair) => `--parameter ${pair}`);
    if (name in ENTRIES) return value.map((entry) => `--${ENTRIES[name]} ${pairs(entry).join(",")}`);
    if (typeof value === "boolean") return [value ? option : option.replace("--", "--no-")];
    return [`${option} ${[value].flat().map((one) => (typeof one === "number" ? number(one) : one)).join(" ")}`];
  });
  return ["mfn simulate", ...options].join(" ");
}

function flow(value) {
  if (typeof value === "number") return number(value);
  if (Array.isArray(value)) return `[${value.map(flow).join(", ")}]`;
  if (value && typeof value === "object") return `{${Object.entries(value).map(([name, one]) => `${name}: ${flow(one)}`).join(", ")}}`;
  return JSON.stringify(value);
}

/** The configuration as YAML, for `mfn simulate --config`. */
export function yaml(config) {
  const lines = Object.entries(config).map(([name, value]) => {
    if (name in ENTRIES) return `${name}:\n${value.map((entry) => `  - ${flow(entry)}`).join("\n")}`;
    return `${name}: ${flow(value)}`;
  });
  return `${lines.join("\n") || "{}"}\n`;
}
