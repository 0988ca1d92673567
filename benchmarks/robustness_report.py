"""Say in tables and one picture what the robustness benchmark found."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGE, PICTURE = DOCS / "robustness.md", DOCS / "images" / "robustness.png"
BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"

SHORT = {"InnerProductManipulation": "IPM", "ALittleIsEnough": "ALIE", "GaussianNoise": "Noise", "NotANumber": "NaN"}
COLOURS = {"softmax": "tab:blue", "MLP": "tab:orange"}

Key = tuple[Any, str, str]
Results = Mapping[Key, list[float]]


def settings_of(results: Results) -> list[Any]:
    """Return the settings in the order in which they came."""
    return list(dict.fromkeys(setting for setting, _, _ in results))


def rules_of(results: Results) -> list[str]:
    """Return the rules in the order in which they came."""
    return list(dict.fromkeys(rule for _, rule, _ in results))


class Worst(NamedTuple):
    """The attack that hurts most, and the mean accuracy under the worst attack with the reach of its interval."""

    attack: str
    mean: float
    reach: float


def worst(results: Results, setting: Any, rule: str) -> Worst:
    """Return the worst attack, and what is left under it, free of the bias of choosing a minimum.

    The least of several noisy means is too low. So the worst attack is chosen on one half of the seeds and measured on
    the other, and the other way round; the halves are no independent measurements, so their reaches are averaged,
    which covers 95 % at least. One seed is too few for that. An attack at which the rule refuses to answer
    stops the training; it is not an accuracy and is left out.
    """
    found = {a: accuracies for (s, r, a), accuracies in results.items() if (s, r) == (setting, rule) and a != "none"}
    answered = {a: np.asarray(accuracies) for a, accuracies in found.items() if not np.isnan(accuracies).any()}
    attack = _lowest(answered)
    if len(answered[attack]) < 2:
        return Worst(attack, float(answered[attack].mean()), math.nan)
    halves = (slice(0, None, 2), slice(1, None, 2))
    chosen = [_lowest({name: x[half] for name, x in answered.items()}) for half in halves]
    parts = [mean_and_reach(answered[name][half]) for name, half in zip(chosen, halves[::-1], strict=True)]
    mean, reach = np.mean(parts, axis=0)
    return Worst(attack, float(mean), float(reach))


def _lowest(accuracies: Mapping[str, NDArray[np.float64]]) -> str:
    return min(accuracies, key=lambda attack: float(accuracies[attack].mean()))


def mean_and_reach(accuracies: Any) -> tuple[float, float]:
    """Return the mean, and how far Student's interval of 95 % coverage reaches either way; NaN for one seed.

    Examples
    --------
    >>> [round(float(x), 4) for x in mean_and_reach([0.5, 0.6, 0.7])]
    [0.6, 0.2484]
    """
    values = np.asarray(accuracies, dtype=np.float64)
    if len(values) < 2:
        return float(values.mean()), math.nan
    error = values.std(ddof=1) / math.sqrt(len(values))
    return float(values.mean()), float(student.ppf(0.975, len(values) - 1) * error)


def title(setting: Any) -> str:
    """Return a setting in few words."""
    return f"{setting.model}, α={setting.alpha:g}, β={setting.momentum:g}"


def overview(results: Results) -> str:
    """Return the worst cases: a row per rule, a column per setting."""
    settings = settings_of(results)

    def cell(setting: Any, rule: str) -> str:
        attack, mean, reach = worst(results, setting, rule)
        return f"{_percent(mean, reach)} {SHORT.get(attack, attack)}"

    rows = [[rule, *(cell(setting, rule) for setting in settings)] for rule in rules_of(results)]
    return _table(["worst case", *map(title, settings)], rows)


def unattacked(results: Results) -> str:
    """Return the accuracies when all clients are honest."""
    settings = settings_of(results)
    rows = [[rule, *(_cell(results[s, rule, "none"]) for s in settings)] for rule in rules_of(results)]
    return _table(["no attack", *map(title, settings)], rows)


def by_attack(results: Results, setting: Any) -> str:
    """Return one setting in full: a row per rule, a column per attack."""
    attacks = list(dict.fromkeys(attack for s, _, attack in results if s == setting))
    rows = [[rule, *(_cell(results[setting, rule, a]) for a in attacks)] for rule in rules_of(results)]
    return _table([title(setting), *(SHORT.get(attack, attack) for attack in attacks)], rows)


def _cell(accuracies: list[float]) -> str:
    if np.isnan(accuracies).any():
        return "refused"
    return _percent(*mean_and_reach(accuracies))


def _percent(mean: float, reach: float) -> str:
    return f"{100 * mean:.0f}" if math.isnan(reach) else f"{100 * mean:.0f} ± {100 * reach:.0f}"


def _table(head: list[str], rows: Iterable[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def write(results: Results) -> None:
    """Put the tables between the page's markers and draw the picture."""
    settings = settings_of(results)
    full = [by_attack(results, setting) for setting in settings if setting.model == "softmax" and setting.momentum]
    tables = "\n\n".join([_meaning(results), overview(results), unattacked(results), *full])
    before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
    _, after = rest.split(END)
    PAGE.write_text(f"{before}{BEGIN}\n{tables}\n{END}{after}", encoding="utf-8")
    draw(results, PICTURE)


def _meaning(results: Results) -> str:
    seeds = min(map(len, results.values()))
    count = len(settings_of(results))
    return (
        f"{seeds} seeds in {count} settings; ± is the reach of Student's interval of 95 % coverage for\n"
        "the mean. A worst attack is chosen on one half of the seeds and measured on the other, with an interval that\n"
        "covers at least 95 %."
    )


def draw(results: Results, path: Path) -> None:
    """Draw worst cases (dots, with their intervals) and accuracies without attack (rings)."""
    from matplotlib.figure import Figure

    panels = list(dict.fromkeys((s.alpha, s.momentum) for s in settings_of(results)))
    rules = rules_of(results)
    figure = Figure(figsize=(11, 5), layout="constrained")
    axes = np.atleast_1d(figure.subplots(1, len(panels), sharey=True))
    for panel, (alpha, momentum) in zip(axes, panels, strict=True):
        for setting in [s for s in settings_of(results) if (s.alpha, s.momentum) == (alpha, momentum)]:
            _draw_setting(panel, results, setting, rules)
        panel.set(title=f"Dirichlet {alpha:g}, momentum {momentum:g}", xlim=(0, 100), xlabel="test accuracy, %")
        panel.title.set_fontsize(9)
        panel.axvline(10, color="grey", linestyle=":", linewidth=1)
        panel.grid(visible=True, alpha=0.25)
    axes[0].set_yticks(range(len(rules)), rules, fontsize=8)
    axes[0].invert_yaxis()
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, fontsize=8, frameon=False)
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=100)


def _draw_setting(panel: Any, results: Results, setting: Any, rules: list[str]) -> None:
    colour = COLOURS[setting.model]
    places = np.arange(len(rules)) + (0.16 if setting.model == "MLP" else -0.16)
    _, means, reaches = zip(*(worst(results, setting, rule) for rule in rules), strict=True)
    calm = [100 * float(np.mean(results[setting, rule, "none"])) for rule in rules]
    panel.errorbar(
        100 * np.array(means), places, xerr=100 * np.nan_to_num(reaches), fmt="o", color=colour, markersize=4,
        elinewidth=1, label=f"{setting.model}, worst attack",
    )  # fmt: skip
    label = f"{setting.model}, no attack"
    panel.plot(calm, places, "o", color=colour, markerfacecolor="none", markersize=4, label=label)
