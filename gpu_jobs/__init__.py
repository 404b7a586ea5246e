"""GPU jobs: training, featurization and encoding, in processes of their own that take their work from a queue.

The only part of Labelry that knows torch. It shares the models, the storage and the names of `labeling`.
"""


class CannotFinish(Exception):
    """A run can't end well, and trying again would not help; the message tells a person why."""
