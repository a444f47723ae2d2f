"""The verbs, by their place in the flow. A new one is a function here and a line in `bytegolf.cli.app`."""
