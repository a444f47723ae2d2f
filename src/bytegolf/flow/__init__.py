"""The flow from text to proof: one module per verb, composed from the other packages."""
