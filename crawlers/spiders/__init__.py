"""Spiders only fetch: what a page says is read in `extract`, in worker processes."""
