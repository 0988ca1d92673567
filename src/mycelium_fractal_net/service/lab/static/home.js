/** What can be taken home of a run, and links to it. */

import { call } from "./api.js";
import { find, make, save, tell } from "./dom.js";
import { VARIABLES } from "./pane.js";
import { pythonLine, shellLine, yaml } from "./recipes.js";
import { differing } from "./share.js";

/** The configuration whose last step is the step that is shown. */
export function shownConfig(pane) {
  const step = pane.frame?.step ?? pane.config.steps;
  const earlier = (entries) => entries.filter((entry) => entry.step < step);
  const { schedule, stimuli } = pane.config;
  return { ...pane.config, steps: step, schedule: earlier(schedule), stimuli: earlier(stimuli) };
}

const nameOf = (pane) => `mfn-${pane.config.kinetics}-${pane.config.seed}-step${pane.frame?.step ?? 0}`;

async function film(pane, parameters) {
  const config = differing(shownConfig(pane), parameters);
  const answer = await call("clip", { body: { config, field: pane.frame.variable, colours: pane.view.map } });
  return answer.blob();
}

async function field(pane, parameters) {
  const body = { ...differing(shownConfig(pane), parameters), field: pane.frame.variable };
  return (await call("simulate", { body, accept: "application/x-npy" })).blob();
}

async function receipt(pane, parameters) {
  const body = { ...differing(shownConfig(pane), parameters), include: ["features"] };
  const { receipt, ...result } = await (await call("simulate", { body })).json();
  const { include, ...config } = body;
  return new Blob([JSON.stringify({ receipt, config, result }, null, 2)], { type: "application/json" });
}

const FILES = {
  png: ["Picture", "PNG of what is shown, with its scale", (pane) => pane.png()],
  mp4: ["Video", "MP4 of the run so far, made by the service", film],
  npy: ["Numbers", "The field at this step as .npy", field],
  json: ["Receipt", "Digests, parameters and features as JSON", receipt],
  yaml: ["Configuration", "YAML for mfn simulate --config", async (pane, parameters) => new Blob([yaml(differing(shownConfig(pane), parameters))], { type: "application/yaml" })],
};

/** Fill the dialog in which things are taken home. */
export function prepareHome(parameters, current) {
  const files = find("#files");
  for (const [kind, [title, words, fetchIt]] of Object.entries(FILES)) {
    const button = make("button", { type: "button", data: { file: kind } }, make("b", { textContent: title }), make("small", { textContent: words }));
    button.onclick = async () => {
      button.disabled = true;
      try {
        save(await fetchIt(current(), parameters), `${nameOf(current())}.${kind}`);
      } catch (error) {
        tell(error.message, "alarm");
      }
      button.disabled = false;
    };
    files.append(button);
  }
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.onclick = () => copy(find(`#${button.dataset.copy}`).textContent, button);
  }
}

/** Write the lines that make the same bits. */
export function showLines(pane, parameters) {
  const config = differing(shownConfig(pane), parameters);
  find("#python-line").textContent = pythonLine(config);
  find("#shell-line").textContent = shellLine(config);
  find("#home-what").textContent = `Run ${pane.name}, ${VARIABLES[pane.frame?.variable ?? "v"].toLowerCase()}, step ${pane.frame?.step ?? 0}.`;
}

export async function copy(text, button) {
  try {
    await navigator.clipboard.writeText(text);
    const before = button.textContent;
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = before), 1500);
  } catch {
    tell("The browser does not let this page copy; select the text and copy it.");
  }
}
