"""One file per process; run() reads as the process does on paper."""
