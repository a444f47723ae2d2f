"""Load recipes: TOML files in this package, or a user's own."""

from bytegolf.recipes.load import load_recipe as load_recipe
from bytegolf.recipes.load import override_recipe as override_recipe
from bytegolf.recipes.load import read_recipe as read_recipe
from bytegolf.recipes.load import recipe_groups as recipe_groups
from bytegolf.recipes.load import recipe_names as recipe_names
from bytegolf.recipes.load import validate_recipe as validate_recipe
from bytegolf.recipes.toml import recipe_toml as recipe_toml
