"""The table in docs/bench.md from bench/results.json: `python bench/table.py`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "docs" / "bench.md"
BEGIN, END = "<!-- begin results -->", "<!-- end results -->"


def markdown(results: dict[str, Any]) -> str:
    """The machine in a line and one row a measurement: median (least to most)."""
    about = results["machine"]
    versions = ", ".join(f"{k} {v}" for k, v in about["versions"].items() if v)
    head = (
        f"{about['processor']}, {about['cores_used']} cores used, {about['memory_gib']:g} GiB, {about['system']}, "
        f"Python {about['python']}; load before the run {about['load_before']:g}; {results['rounds']} rounds.\n"
        f"{versions}.\n\n"
        "| what | petrg | peer | ratio | target | met |\n|---|---|---|---|---|---|\n"
    )
    return head + "".join(_line(r) for r in results["rows"])


def _line(r: dict[str, Any]) -> str:
    own = f"{_of(r.get('ours_s'), ' s')}{_of(r.get('peak_gib'), ' GiB')}"
    own = own or (f"{r['per_second']:g} a second" if "per_second" in r else "")
    met = f"skipped: {r['skipped']}" if "skipped" in r else {True: "yes", False: "no", None: ""}[r["met"]]
    return (
        f"| {r['name']} | {own} | {_of(r.get('peer_s'), ' s')} | {_of(r.get('ratio'), '')} | {r['target']} | {met} |\n"
    )


def _of(values: dict[str, float] | None, unit: str) -> str:
    if values is None:
        return ""
    return f"{values['median']:.2f}{unit} ({values['min']:.2f}–{values['max']:.2f})"


def write(results: dict[str, Any]) -> None:
    """Put the table between the marks of docs/bench.md."""
    before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN, 1)
    _, after = rest.split(END, 1)
    PAGE.write_text(f"{before}{BEGIN}\n{markdown(results)}{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    write(json.loads((HERE / "results.json").read_text()))
