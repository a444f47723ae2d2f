"""Run the command line as `python -m bytegolf`."""

from bytegolf.cli.app import main

main()
