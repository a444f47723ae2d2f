"""The rules of the contest that a script's code can be seen to break, a module for each family."""
