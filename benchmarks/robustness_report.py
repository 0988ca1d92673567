"""Say in tables and one picture what the robustness benchmark found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

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


def worst(results: Results, setting: Any, rule: str) -> tuple[str, float, float]:
    """Return the attack with the lowest mean over the seeds, that mean, and its standard deviation.

    An attack at which the rule refuses to answer stops the training; it is not an accuracy and is left out.
    """
    found = {a: accuracies for (s, r, a), accuracies in results.items() if (s, r) == (setting, rule) and a != "none"}
    answered = {attack: accuracies for attack, accuracies in found.items() if not np.isnan(accuracies).any()}
    attack = min(answered, key=lambda name: float(np.mean(answered[name])))
    return attack, float(np.mean(answered[attack])), float(np.std(answered[attack]))


def title(setting: Any) -> str:
    """Return a setting in few words."""
    return f"{setting.model}, α={setting.alpha:g}, β={setting.momentum:g}"


def overview(results: Results) -> str:
    """Return the worst cases: a row per rule, a column per setting."""
    settings = settings_of(results)

    def cell(setting: Any, rule: str) -> str:
        attack, mean, deviation = worst(results, setting, rule)
        return f"{100 * mean:.0f} ± {100 * deviation:.0f} {SHORT.get(attack, attack)}"

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
    return f"{100 * np.mean(accuracies):.0f} ± {100 * np.std(accuracies):.0f}"


def _table(head: list[str], rows: Iterable[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def write(results: Results) -> None:
    """Put the tables between the page's markers and draw the picture."""
    settings = settings_of(results)
    full = [by_attack(results, setting) for setting in settings if setting.model == "softmax" and setting.momentum]
    tables = "\n\n".join([overview(results), unattacked(results), *full])
    before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
    _, after = rest.split(END)
    PAGE.write_text(f"{before}{BEGIN}\n{tables}\n{END}{after}", encoding="utf-8")
    draw(results, PICTURE)


def draw(results: Results, path: Path) -> None:
    """Draw worst cases (dots, with the deviation over the seeds) and accuracies without attack (rings)."""
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
    _, means, deviations = zip(*(worst(results, setting, rule) for rule in rules), strict=True)
    calm = [100 * float(np.mean(results[setting, rule, "none"])) for rule in rules]
    panel.errorbar(
        100 * np.array(means), places, xerr=100 * np.array(deviations), fmt="o", color=colour, markersize=4,
        elinewidth=1, label=f"{setting.model}, worst attack",
    )  # fmt: skip
    label = f"{setting.model}, no attack"
    panel.plot(calm, places, "o", color=colour, markerfacecolor="none", markersize=4, label=label)
