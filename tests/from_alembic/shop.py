"""The revisions of a shop, as teams write them: two branches, a merge, batches, enums and data."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tests.from_alembic.project import AlembicProject


class Source(NamedTuple):
    """A revision."""

    revision: str
    down: str | tuple[str, ...] | None
    message: str
    body: str


USERS = Source(
    "a1b2c3",
    None,
    "Create users",
    """\
def upgrade() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("email", sa.String(320), nullable=False, unique=True),
        sa.Column("name", sa.Text(), nullable=True, comment="as they want to be called"),
        sa.Column("active", sa.Boolean(), nullable=False, server_default=sa.true()),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now()),
    )
    op.create_index("ix_users_name", "users", ["name"])


def downgrade() -> None:
    op.drop_index("ix_users_name", table_name="users")
    op.drop_table("users")
""",
)
ORDERS = Source(
    "b2c3d4",
    "a1b2c3",
    "Create orders",
    """\
STATUS = sa.Enum("new", "paid", "it's gone", name="order_status")


def upgrade() -> None:
    op.create_table(
        "orders",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("status", STATUS, nullable=False, server_default="new"),
        sa.Column("total", sa.Numeric(10, 2), server_default="0.00"),
        sa.Column("note", sa.Text(), server_default=sa.text("'100%: \\\\n it''s'")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
        sa.CheckConstraint("total >= 0", name="total_is_positive"),
    )
    op.create_index(op.f("ix_orders_user_id"), "orders", ["user_id", "status"], unique=False)


def downgrade() -> None:
    op.drop_table("orders")
    STATUS.drop(op.get_bind(), checkfirst=True)
""",
)
COUNTRIES = Source(
    "c3d4e5",
    "b2c3d4",
    "Countries with their data",
    r"""
def upgrade() -> None:
    countries = op.create_table(
        "countries",
        sa.Column("code", sa.CHAR(2), primary_key=True),
        sa.Column("name", sa.String()),
        sa.Column("known_since", sa.Date()),
        sa.Column("seen_at", sa.DateTime()),
        sa.Column("share", sa.Numeric(5, 3)),
        sa.Column("flag", sa.LargeBinary()),
        sa.Column("facts", sa.JSON()),
        sa.Column("is_island", sa.Boolean()),
    )
    op.bulk_insert(
        countries,
        [
            {
                "code": "ci",
                "name": "Côte d'Ivoire; 100 %\t:is_it \\ back\\slash",
                "known_since": datetime.date(1960, 8, 7),
                "seen_at": datetime.datetime(2026, 1, 2, 3, 4, 5, 678),
                "share": decimal.Decimal("1.250"),
                "flag": b"\x00\xff'\\%",
                "facts": {"languages": ["fr"], "a:b": "it's 1 %"},
                "is_island": False,
            },
            {
                "code": "is",
                "name": "two\nlines -- and no comment",
                "known_since": None,
                "seen_at": None,
                "share": None,
                "flag": None,
                "facts": [],
                "is_island": True,
            },
        ],
    )


def downgrade() -> None:
    op.drop_table("countries")
""",
)
PHONE = Source(
    "d4e5f6",
    "c3d4e5",
    "Phone numbers of users",
    """\
def upgrade() -> None:
    with op.batch_alter_table("users") as batch_op:
        batch_op.add_column(sa.Column("phone", sa.String(20)))
        batch_op.alter_column("email", type_=sa.String(400), existing_type=sa.String(320))
    with op.batch_alter_table("users") as batch_op:
        batch_op.create_unique_constraint(None, ["phone"])
        batch_op.alter_column("name", new_column_name="full_name", existing_type=sa.Text())


def downgrade() -> None:
    with op.batch_alter_table("users") as batch_op:
        batch_op.alter_column("full_name", new_column_name="name", existing_type=sa.Text())
        batch_op.drop_constraint("uq_users_phone", type_="unique")
        batch_op.drop_column("phone")
        batch_op.alter_column("email", type_=sa.String(320), existing_type=sa.String(400))
""",
)
COUNTRY = Source(
    "e5f6a7",
    "d4e5f6",
    "Users have a country",
    """\
def upgrade() -> None:
    with op.batch_alter_table("users", schema=None) as batch_op:
        batch_op.add_column(sa.Column("country", sa.CHAR(2), server_default="is"))
        batch_op.create_foreign_key(None, "countries", ["country"], ["code"])
    op.execute("UPDATE users SET country = 'ci' WHERE email LIKE '%.ci'")


def downgrade() -> None:
    with op.batch_alter_table("users", schema=None) as batch_op:
        batch_op.drop_constraint("fk_users_country_countries", type_="foreignkey")
        batch_op.drop_column("country")
""",
)
TAGS = Source(
    "f6a7b8",
    "c3d4e5",
    "Tags on a branch",
    """\
def upgrade() -> None:
    mood = sa.String(10)
    if op.get_bind().dialect.name == "postgresql":
        mood = postgresql.ENUM("good", "bad", name="mood", create_type=False)
        mood.create(op.get_bind(), checkfirst=True)
        mood.create(op.get_bind(), checkfirst=True)
    op.create_table(
        "tags",
        sa.Column("order_id", sa.Integer(), sa.ForeignKey("orders.id", name="of_an_order")),
        sa.Column("word", sa.String(40)),
        sa.Column("mood", mood),
        sa.PrimaryKeyConstraint("order_id", "word"),
        if_not_exists=True,
    )
    connection = op.get_bind()
    connection.execute(
        sa.text("INSERT INTO users (email, active) VALUES (:email, :active)"),
        [{"email": "zoe@example.is", "active": True}, {"email": "it's%", "active": False}],
    )
    users = sa.table("users", sa.column("email"), sa.column("full_name"))
    connection.execute(users.update().where(users.c.email == "it's%").values(email="a\\\\b"))


def downgrade() -> None:
    op.execute("DELETE FROM users WHERE email IN ('zoe@example.is', 'a\\\\b')")
    op.drop_table("tags")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TYPE mood")
""",
)
PARTIAL = Source(
    "a7b8c9",
    "f6a7b8",
    "Partial index",
    """\
def upgrade() -> None:
    op.create_index(
        "ix_tags_lower_word",
        "tags",
        [sa.text("lower(word)")],
        postgresql_where=sa.text("mood = 'good'"),
        sqlite_where=sa.text("mood = 'good'"),
    )


def downgrade() -> None:
    op.drop_index("ix_tags_lower_word", table_name="tags")
""",
)
MERGE = Source(
    "b8c9d0",
    ("e5f6a7", "a7b8c9"),
    "Merge both branches",
    """\
def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
""",
)
INVOICES = Source(
    "c9d0e1",
    "b8c9d0",
    "Orders become invoices",
    """\
def upgrade() -> None:
    op.rename_table("orders", "invoices")
    with op.batch_alter_table("invoices", recreate="auto") as batch_op:
        batch_op.alter_column("note", nullable=False, existing_type=sa.Text())
        batch_op.alter_column("total", server_default=None, existing_type=sa.Numeric(10, 2))


def downgrade() -> None:
    with op.batch_alter_table("invoices") as batch_op:
        batch_op.alter_column("total", server_default="0.00", existing_type=sa.Numeric(10, 2))
        batch_op.alter_column("note", nullable=True, existing_type=sa.Text())
    op.rename_table("invoices", "orders")
""",
)
CONCURRENTLY = Source(
    "d0e1f2",
    "c9d0e1",
    "Index without locking",
    """\
def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.create_index(
            "ix_invoices_total", "invoices", ["total"], postgresql_concurrently=True
        )


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.drop_index("ix_invoices_total", table_name="invoices", postgresql_concurrently=True)
""",
)
GIVEN = Source(
    "e1f2a3",
    "d0e1f2",
    "More statuses",
    '''\
def upgrade() -> None:
    if op.get_context().dialect.name == "postgresql":
        op.execute("COMMIT")
        op.execute("ALTER TYPE order_status ADD VALUE IF NOT EXISTS 'given'")
    op.execute(
        """
        CREATE VIEW islanders AS  -- a comment; with a semicolon
        SELECT id, email FROM users WHERE country = 'is' -- and one at the end
        """
    )


def downgrade() -> None:
    op.execute("DROP VIEW islanders;")
''',
)
SELF = Source(
    "f2a3b4",
    "e1f2a3",
    "Categories",
    """\
def upgrade() -> None:
    op.create_table(
        "categories",
        sa.Column("id", sa.Integer(), sa.Identity(), primary_key=True),
        sa.Column("parent_id", sa.Integer(), sa.ForeignKey("categories.id")),
        sa.Column("path", sa.String(), sa.Computed("'/' || id", persisted=True)),
    )
    op.drop_index("ix_users_name", table_name="users")


def downgrade() -> None:
    op.create_index("ix_users_name", "users", ["full_name"])
    op.drop_table("categories")
""",
)
SHOP = (
    USERS,
    ORDERS,
    COUNTRIES,
    PHONE,
    COUNTRY,
    TAGS,
    PARTIAL,
    MERGE,
    INVOICES,
    CONCURRENTLY,
    GIVEN,
    SELF,
)


def write_shop(project: AlembicProject, sources: tuple[Source, ...] = SHOP) -> None:
    """Write the revisions into a project."""
    for source in sources:
        project.write(source.revision, source.message, source.body, down=source.down)
