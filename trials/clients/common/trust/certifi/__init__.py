"""Stands in front of the certifi package for programs that trust only its bundle: here it is the simulator's.

Distributions do the same when they point certifi at the machine's own bundle; no package is changed.
"""

import os


def where():
    """The file of certificates to trust."""
    return os.environ["HUBSPOT_CA"]


def contents():
    """What is in the file."""
    with open(where(), encoding="ascii") as file:
        return file.read()
