#!/usr/bin/env python
"""Django's command line for Meshline."""

from __future__ import annotations

import sys

from meshline.manage import main

if __name__ == "__main__":
    sys.exit(main(sys.argv))
