"""The report: one page that says, shows and plays what a run did."""
