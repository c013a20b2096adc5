"""Reports of simulations and backtests: one page, charts, tables and data in one folder."""
