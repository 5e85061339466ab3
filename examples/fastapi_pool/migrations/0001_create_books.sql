-- migrate:up
CREATE TABLE books (
    isbn text PRIMARY KEY,
    title text NOT NULL
);

-- migrate:down
DROP TABLE books;
