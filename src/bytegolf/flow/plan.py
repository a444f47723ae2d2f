"""Predict the artifact's size and the number of steps of a run, before any training."""

from dataclasses import replace

from bytegolf.config import Recipe
from bytegolf.packing.plan import Plan, plan_artifact
from bytegolf.training.speed_model import predicted_steps


def plan(recipe: Recipe) -> Plan:
    """Predict the artifact's size, and a lower bound on the steps this machine takes in the recipe's time."""
    return replace(plan_artifact(recipe), steps=predicted_steps(recipe))
