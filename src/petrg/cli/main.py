"""The entry point: `petrg VERB`.

Nothing is imported here but the standard library, so that Ctrl-C while the verbs load ends as it does later.
"""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line; Ctrl-C at any time is one line and exit code 130."""
    try:
        from petrg.cli.app import run

        code = run()
    except KeyboardInterrupt:
        code = 130
        if sys.stderr is not None:
            sys.stderr.write("petrg: stopped — nothing half-written is left\n")
    sys.exit(code)


if __name__ == "__main__":
    main()
