"""Run the command line as `python -m bytegolf`."""

from bytegolf.cli.entry import main

main()
