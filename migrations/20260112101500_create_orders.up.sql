-- The other half of this pair, .down.sql, takes it back. One file with markers does the same.
CREATE TABLE orders (
    number TEXT PRIMARY KEY,
    customer TEXT NOT NULL,
    placed_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE order_lines (
    order_number TEXT NOT NULL REFERENCES orders (number),
    isbn TEXT NOT NULL REFERENCES books (isbn),
    quantity INTEGER NOT NULL CHECK (quantity > 0),
    PRIMARY KEY (order_number, isbn)
);

CREATE INDEX order_lines_isbn_idx ON order_lines (isbn);
