"""The tables in docs/bench.md from bench/results.json: `python bench/table.py`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "docs" / "bench.md"
BEGIN, END = "<!-- begin results -->", "<!-- end results -->"


PARTS = {"studies": "Studies and texts", "network": "The network"}


def markdown(results: dict[str, Any]) -> str:
    """Each part that was measured: the machine in a line and one row a measurement, median (least to most)."""
    return "\n".join(_part(title, results[part]) for part, title in PARTS.items() if part in results)


def _part(title: str, results: dict[str, Any]) -> str:
    about = results["machine"]
    versions = ", ".join(f"{k} {v}" for k, v in about["versions"].items() if v)
    rounds = f"{results['rounds']} rounds" if "rounds" in results else "the best of two on either side"
    head = (
        f"### {title}\n\n"
        f"{about['processor']}, {about['cores_used']} cores used, {about['memory_gib']:g} GiB, {about['system']}, "
        f"Python {about['python']}; load before the run {about['load_before']:g}; {rounds}.\n"
        f"{versions}.\n\n"
        "| what | petrg | peer | ratio | target | met |\n|---|---|---|---|---|---|\n"
    )
    return head + "".join(_line(r) for r in results["rows"])


def _line(r: dict[str, Any]) -> str:
    own = f"{_of(r.get('ours_s'), ' s')}{_of(r.get('peak_gib'), ' GiB')}"
    own = own or (f"{r['per_second']:g} a second" if "per_second" in r else "")
    peer = f"{_of(r.get('peer_s'), ' s')}{_of(r.get('peer_gib'), ' GiB')}"
    met = f"skipped: {r['skipped']}" if "skipped" in r else {True: "yes", False: "no", None: ""}[r["met"]]
    return f"| {r['name']} | {own} | {peer} | {_of(r.get('ratio'), '')} | {r['target']} | {met} |\n"


def _of(values: dict[str, float] | None, unit: str) -> str:
    if values is None:
        return ""
    digits = 3 if values["median"] < 0.1 else 2
    if values["min"] == values["max"]:
        return f"{values['median']:.{digits}f}{unit}"
    return f"{values['median']:.2f}{unit} ({values['min']:.2f}–{values['max']:.2f})"


def write(results: dict[str, Any]) -> None:
    """Put the table between the marks of docs/bench.md."""
    before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN, 1)
    _, after = rest.split(END, 1)
    PAGE.write_text(f"{before}{BEGIN}\n{markdown(results)}{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    write(json.loads((HERE / "results.json").read_text()))
