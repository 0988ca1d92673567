/** Five stops for those who come here for the first time. */

import { find } from "./dom.js";

const STOPS = [
  ["#regimes", "Pick a regime", "Each picture is a set of parameters from a paper, and what grows from it. Pick one: its field starts to grow from seeded noise."],
  ["#panes", "Watch it grow, and touch it", "The colours stand for the values on the scale. Drag across the field to excite cells, or move the brush with the arrow keys and press Enter. Rings mark growth events."],
  ["#stability", "Ask the theory first", "Linear stability says at once whether these parameters can form a pattern, and how far apart its stripes or spots will be. Move a rate, and watch the verdict."],
  ["#measures", "Measure what came out", "Eighteen features in time; the spectrum, with the predicted wavelength beside the measured one; box counts and their local slopes."],
  ["#take", "Take it home", "A picture, a video, the numbers, or one line of Python that makes the same bits. The receipt proves that they are the same."],
];

let at = 0;
let before = null;

export function startTour() {
  before = document.activeElement;
  show(0);
}

export function endTour() {
  find("#tour").hidden = true;
  find(".toured")?.classList.remove("toured");
  before?.focus?.();
}

function show(index) {
  at = index;
  const [target, title, words] = STOPS[index];
  find(".toured")?.classList.remove("toured");
  const element = find(target);
  element.classList.add("toured");
  element.scrollIntoView({ block: "center", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
  const box = find("#tour");
  find("h2", box).textContent = title;
  find(".words", box).textContent = words;
  find(".place", box).textContent = `Stop ${index + 1} of ${STOPS.length}`;
  find("[data-tour=back]", box).disabled = index === 0;
  find("[data-tour=next]", box).textContent = index === STOPS.length - 1 ? "Done" : "Next";
  box.hidden = false;
  find("[data-tour=next]", box).focus();
}

export function prepareTour() {
  const box = find("#tour");
  const move = { next: () => (at === STOPS.length - 1 ? endTour() : show(at + 1)), back: () => show(at - 1), end: endTour };
  box.addEventListener("click", ({ target }) => move[target.dataset.tour]?.());
  box.addEventListener("keydown", (event) => {
    if (event.key === "Escape") endTour();
    event.stopPropagation();
  });
}
