-- A bookshop. Everything in this folder runs unchanged on PostgreSQL and on SQLite.
--
-- migrate:up
CREATE TABLE authors (
    handle TEXT PRIMARY KEY,
    name TEXT NOT NULL
);

CREATE TABLE books (
    isbn TEXT PRIMARY KEY,
    title TEXT NOT NULL,
    author TEXT NOT NULL REFERENCES authors (handle),
    price_cents INTEGER NOT NULL CHECK (price_cents >= 0)
);

-- migrate:down
DROP TABLE books;
DROP TABLE authors;
