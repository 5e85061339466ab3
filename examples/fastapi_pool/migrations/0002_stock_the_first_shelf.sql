-- migrate:up
INSERT INTO books (isbn, title) VALUES
    ('9780156453806', 'Invisible Cities'),
    ('9780441478125', 'The Left Hand of Darkness');

-- migrate:down
DELETE FROM books WHERE isbn IN ('9780156453806', '9780441478125');
