-- Rows that every copy of the shop begins with. Nothing here guards against being run twice:
-- a migration is applied once.
--
-- migrate:up
INSERT INTO authors (handle, name) VALUES
    ('calvino', 'Italo Calvino'),
    ('ebner-eschenbach', 'Marie von Ebner-Eschenbach'),
    ('le-guin', 'Ursula K. Le Guin');

INSERT INTO books (isbn, title, author, price_cents) VALUES
    ('9780156453806', 'Invisible Cities', 'calvino', 1590),
    ('9783150089095', 'Krambambuli; und andere Erzählungen', 'ebner-eschenbach', 480),
    ('9780441478125', 'The Left Hand of Darkness', 'le-guin', 1100);

-- migrate:down
DELETE FROM books WHERE isbn IN ('9780156453806', '9783150089095', '9780441478125');
DELETE FROM authors WHERE handle IN ('calvino', 'ebner-eschenbach', 'le-guin');
