"""A plan says what the artifact will take, and on this machine how many steps a run will."""

import bytegolf as bg
from bytegolf.packing.plan import plan_artifact
from support.runs import micro


def test_the_artifact_is_planned_and_steps_are_added() -> None:
    recipe = micro()
    plan, artifact = bg.plan(recipe), plan_artifact(recipe)
    assert artifact.steps is None and plan.steps == recipe.train.max_steps
    assert {**plan.to_json(), "steps": None, "steps_capped": False} == artifact.to_json()


def test_what_a_recipe_caps_is_told_from_what_the_clock_allows() -> None:
    assert bg.plan(micro()).steps_capped
    assert not bg.plan(micro("train.max_steps=0", "train.max_seconds=5")).steps_capped
