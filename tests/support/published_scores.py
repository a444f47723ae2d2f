"""Scores that the contest published: of the pull requests that the law book quotes, and the rows of the board that merged last."""

NEW = "1.11508120,1.11437394,1.11475014"  # 1019, seeds 314, 42, 999; its submission.json quotes t = -11.8339 at df 3.3063
OLD = "1.11922988,1.12002032,1.11888882"  # 549, seeds 1337, 42, 2025
NEW_NATS, OLD_NATS = "1.88276292,1.88156874,1.88220393", "1.88976776,1.89110239,1.88919190"

# Oldest first. 1855 pools its three seeds with a reproduction of three, published as mean, deviation and number; of 2135 only the
# mean is published.
BOARD = """\
# the contest's board as it was merged last
#1868, 42:1.06083288, 314:1.06090748, 1234:1.06248776
#1855, 1.060755±0.000933/6
#1945, 42:1.058336, 0:1.059394, 1234:1.060243
#1953, 42:1.05824720, 0:1.05846113, 1234:1.05895276
#2014, 42:1.05740567, 314:1.05730104, 0:1.05807084
#2135, 1.05651
"""
ORDER = ["#2135", "#2014", "#1953", "#1945", "#1855", "#1868"]  # as published, best first
LEVEL = 0.25  # at which the board's rows were accepted
