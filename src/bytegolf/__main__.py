"""Run the command line: `python -m bytegolf`."""

from bytegolf.cli.app import main

main()
