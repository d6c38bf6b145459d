"""Speed and memory of ras-sim, as ratios measured in one run: `make bench`."""
