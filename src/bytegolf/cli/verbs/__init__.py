"""The verbs, grouped by their place in the flow. A new one needs a function here and a line in `bytegolf.cli.app`."""
