"""The machine: whole files, threads that keep the order, what is loaded late."""
