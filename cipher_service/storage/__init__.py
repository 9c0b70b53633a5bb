"""What the ministry remembers: one database, envelopes on disk, and one process that writes.

Two databases serve: SQLite embedded in the data folder, PostgreSQL for a real deployment. All
tables are in `tables/`; only `unit_of_work` commits; the registrar (`writer`) groups the acts of
all API processes into few commits, because a commit costs a flush to disk and a signature.
"""
