"""Keep only the icons named in a list: `pick_icons.py icon-nodes.json icons.txt` prints JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main() -> int:
    """Print `{name: [[tag, {attribute: value}], …]}`; exit 1 and name icons that do not exist."""
    nodes = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    wanted = sorted(set(Path(sys.argv[2]).read_text(encoding="utf-8").split()))
    missing = [name for name in wanted if name not in nodes]
    if missing:
        sys.stderr.write(f"No such icon: {', '.join(missing)}. Mend tools/icons.txt.\n")
        return 1
    lines = (f"{json.dumps(name)}: {json.dumps(nodes[name])}" for name in wanted)
    sys.stdout.write("{\n" + ",\n".join(lines) + "\n}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
