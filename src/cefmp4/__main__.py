"""`cefmp4`, and `python -m cefmp4`.

The libraries take a second to load. Whoever presses Ctrl-C meanwhile wants no traceback.
"""

INTERRUPTED = 130


def main() -> None:
    """Load the command line and run it."""
    try:
        from cefmp4.cli import main as command_line

        command_line()
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None


if __name__ == "__main__":
    main()
