-- The view of R__order_totals.sql reads these tables; PostgreSQL would not drop them under it.
DROP VIEW IF EXISTS order_totals;
DROP TABLE order_lines;
DROP TABLE orders;
