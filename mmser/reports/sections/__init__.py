"""One file per section of a report: runs in, HTML out."""
