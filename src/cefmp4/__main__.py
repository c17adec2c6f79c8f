"""`python -m cefmp4`."""

from cefmp4.cli import main

if __name__ == "__main__":
    main()
