"""One self-contained HTML page about one run or several; drawn from files, without torch."""
