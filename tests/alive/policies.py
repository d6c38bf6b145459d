"""The policy function of `guarded.yaml`, and others that it could have named."""


def choose(case):
    """A third crash of a node within a day is rebooted; the rest is left to the policy."""
    return "node_reboot" if case.symptom == "crash" and case.incidents_within(24.0) >= 3 else None


def give_way(case):
    """Nothing is chosen."""
    return None
