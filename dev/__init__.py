"""What only developers run: the local system, its sample images, the demo and the checks."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""The checkout."""

LOCAL = ROOT / ".local"
"""Everything a run leaves behind: data, logs, samples. Git ignores it; deleting it is safe."""
