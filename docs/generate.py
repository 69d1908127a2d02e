"""What the documentation takes from the code: docs/cli.md and docs/schemas (`python docs/generate.py` writes them)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
DRAFT = "https://json-schema.org/draft/2020-12/schema"


def cli_page() -> str:
    """The help of every verb, 80 columns wide."""
    from typer.testing import CliRunner

    from petrg.cli.app import app

    def help_of(*verb: str) -> str:
        done = CliRunner().invoke(app, [*verb, "--help"], prog_name="petrg", env={"COLUMNS": "82", "TERM": "dumb"})
        lines = (line.rstrip() for line in done.output.strip("\n").splitlines())
        return "```text\n" + "\n".join(lines) + "\n```\n"

    named = [command.name or command.callback.__name__ for command in app.registered_commands if command.callback]
    verbs = [[name.replace("_", "-")] for name in named]
    for group in app.registered_groups:
        inner = group.typer_instance.registered_commands if group.typer_instance else []
        verbs += [[group.name or "", command.name or ""] for command in inner]
    sections = [f"## petrg {' '.join(verb)}\n\n{help_of(*verb)}" for verb in verbs]
    head = "# Command line\n\nGenerated from the program's own help by `python docs/generate.py`.\n\n"
    return head + "\n".join([help_of(), *sections])


def schemas() -> dict[str, str]:
    """File name -> JSON Schema of everything that petrg reads or writes as a file."""
    from petrg.evaluate.scores import Scores
    from petrg.imaging.context import Context
    from petrg.imaging.inspect import Inspection
    from petrg.language import style
    from petrg.report import Record, Report

    models = {
        "inspection": Inspection.model_json_schema(mode="serialization"),
        "record": Record.model_json_schema(mode="serialization"),
        "report": Report.model_json_schema(mode="serialization"),
        "scores": Scores.model_json_schema(mode="serialization"),
        "context": _without(Context.model_json_schema(), "sources"),  # petrg's own note; refused in a file
        "style": {**style._StyleFile.model_json_schema(), "title": "Style"},
    }
    return {
        f"{name}.schema.json": json.dumps({"$schema": DRAFT, **schema}, indent=1, ensure_ascii=False) + "\n"
        for name, schema in models.items()
    }


def _without(schema: dict[str, Any], key: str) -> dict[str, Any]:
    return {**schema, "properties": {k: v for k, v in schema["properties"].items() if k != key}}


def pages() -> dict[Path, str]:
    """Every generated file and what it should hold."""
    return {HERE / "cli.md": cli_page(), **{HERE / "schemas" / name: text for name, text in schemas().items()}}


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
