"""A recipe -> the size of its artifact and the steps of its run, before any training."""

from dataclasses import replace

from bytegolf.config import Recipe
from bytegolf.packing.plan import Plan, plan_artifact
from bytegolf.training.speed_model import predicted_steps


def plan(recipe: Recipe) -> Plan:
    """Predict the artifact's size, and how many steps this machine will take at least in the recipe's time."""
    steps = predicted_steps(recipe)
    return replace(plan_artifact(recipe), steps=steps, steps_capped=steps == recipe.train.max_steps)
