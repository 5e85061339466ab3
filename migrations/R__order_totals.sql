-- What each order comes to. A repeatable migration: it is applied again whenever this file
-- changes, after the versioned ones, so a view has one file with one history in git.
DROP VIEW IF EXISTS order_totals;

CREATE VIEW order_totals AS
SELECT
    orders.number,
    orders.customer,
    SUM(order_lines.quantity * books.price_cents) AS total_cents
FROM orders
JOIN order_lines ON order_lines.order_number = orders.number
JOIN books ON books.isbn = order_lines.isbn
GROUP BY orders.number, orders.customer;
