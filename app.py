"""Starts Masklet: `python app.py --help`. Where the package is installed, `masklet serve` is the same."""

from __future__ import annotations

import os
import sys

from ui.serve import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
