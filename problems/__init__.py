"""Problems with known mathematics, on synthetic and real data; `problems.table.PROBLEMS` lists the families."""
