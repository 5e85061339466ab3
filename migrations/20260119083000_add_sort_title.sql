-- Where a book stands on the shelf: "Left Hand of Darkness, The". The next migration fills it.
--
-- migrate:up
ALTER TABLE books ADD COLUMN sort_title TEXT;
CREATE INDEX books_sort_title_idx ON books (sort_title);

-- migrate:down
DROP INDEX books_sort_title_idx;
ALTER TABLE books DROP COLUMN sort_title;
