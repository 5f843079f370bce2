"""`make bench`: how fast it is, as ratios against baselines in the same run."""
