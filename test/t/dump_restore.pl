# Dump and restore, plain, -Fc and -Fd with four jobs, of a database to which
# the user has added a column, an index, a trigger, a check and a row policy:
# whole rows are compared, and the restored shop goes on selling, now through
# the slower path that honours what the user added.
use strict;
use warnings;
use Test::More;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RetailTest;

# without the background worker, which may empty flag_repair at any moment
my $node = retail_node('dump', settings => "pg_retail.flag_worker = off\n");

make_retail($node, 'shop', <<'SQL');
INSERT INTO retail.sku (code, name, lot_tracked, shelf_life_days) VALUES ('MILK', 'Milk', true, 10);
INSERT INTO retail.safety_stock (qty) VALUES (2);
INSERT INTO retail.listing (sku_id, status) SELECT id, 'delisted' FROM retail.sku WHERE code = 'C';
SELECT outcome FROM retail.receive('A', 'S1', 20, ref => 'note 1', request_key => 'in 1');
SELECT outcome FROM retail.receive('B', 'S2', 20);
SELECT outcome FROM retail.receive('MILK', 'S1', 20, 'L1');
SELECT outcome FROM retail.block('A', 'S1', 1, 'display');
SELECT outcome FROM retail.sell('A', 'S1', 2, 'shop', 'receipt 1');
SELECT outcome FROM retail.take_back('A', 'S1', 1, 'receipt 1', 'quarantine');
SELECT outcome FROM retail.reserve('A', 'S1', 1, 'app', '1 second', 'lapsed');
SELECT outcome FROM retail.reserve('A', 'S1', 2, 'app', '1 hour', 'one', 'key 1');
SELECT outcome FROM retail.reserve('A', 'S1', 3, 'app', '1 hour', 'two');
SELECT outcome FROM retail.confirm((SELECT id FROM retail.reservation WHERE holder = 'two'), 2, order_ref => 'order 2');
SELECT outcome FROM retail.reserve('B', 'S2', 18, 'app', '1 hour', 'three');
SELECT outcome FROM retail.confirm((SELECT id FROM retail.reservation WHERE holder = 'three'));
SELECT outcome FROM retail.consume((SELECT id FROM retail.reservation WHERE holder = 'three'), 5);
SELECT count(*) FROM retail.outbox_take('erp', 1);
SELECT outcome FROM retail.set_base_price('A', 10, 'CNY');
SELECT outcome FROM retail.set_price('A', 'app', NULL, 10.5);
SELECT outcome FROM retail.set_price('A', 'app', NULL, 9.5, '[2131-01-01,2131-02-01)');
SELECT retail.acknowledge_label('S1', 'A', 'app', max(version)) FROM retail.price_event;
UPDATE retail.currency SET name = 'our yuan' WHERE code = 'CNY';

-- what users add
ALTER TABLE retail.reservation ADD COLUMN basket_note text DEFAULT 'none',
    ADD COLUMN big boolean GENERATED ALWAYS AS (qty > 1) STORED,
    ADD CONSTRAINT reservation_small_check CHECK (qty <= 100);
ALTER TABLE retail.stock ADD COLUMN shelf text DEFAULT 'shelf 1';
ALTER TABLE retail.sku ADD COLUMN color text DEFAULT 'red';
ALTER TABLE retail.price ADD COLUMN reason text DEFAULT 'none';
CREATE INDEX reservation_note_idx ON retail.reservation (basket_note, created_at);
CREATE UNIQUE INDEX reservation_order_idx ON retail.reservation (order_ref) WHERE order_ref LIKE 'once%';
CREATE INDEX stock_shelf_idx ON retail.stock (shelf);
CREATE TABLE public.trail (id bigint, status text, at bigserial);
CREATE FUNCTION public.note_reservation() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO public.trail (id, status) VALUES (NEW.id, NEW.status);
    RETURN NULL;
END $$;
CREATE TRIGGER note_reservation AFTER INSERT OR UPDATE ON retail.reservation FOR EACH ROW EXECUTE FUNCTION public.note_reservation();
CREATE FUNCTION public.stamp_stock() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.shelf := 'moved';
    RETURN NEW;
END $$;
CREATE TRIGGER stamp_stock BEFORE UPDATE ON retail.stock FOR EACH ROW EXECUTE FUNCTION public.stamp_stock();
CREATE TABLE public.price_ladder (
    category text,
    band retail.price_band,
    CHECK (band OPERATOR(retail.@>) retail.base(band)),
    EXCLUDE USING gist (category WITH =, band WITH OPERATOR(retail.&&)));
INSERT INTO public.price_ladder VALUES ('rice', '9.99 [9.50,10.48] CNY'), ('rice', '19.90 [18.90,20.89] CNY'), ('rice', '199 [180,218] JPY'), ('soap', NULL);
CREATE UNIQUE INDEX price_ladder_band_idx ON public.price_ladder (band);
CREATE ROLE clerk LOGIN;
SELECT retail.grant_access('clerk', 'clerk');
ALTER TABLE retail.reservation ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_only ON retail.reservation TO clerk USING (actor = current_user) WITH CHECK (actor = current_user);
SELECT outcome FROM retail.reserve('A', 'S1', 1, 'app', '1 hour', 'four');
SQL

# Every row of every table, as text.
my $tables = "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
  . "WHERE n.nspname IN ('retail', 'public') AND c.relkind = 'r' AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.classid = 'pg_class'::regclass AND d.deptype = 'e') ORDER BY 1";

sub rows_of
{
	my ($db) = @_;
	my %rows;

	for my $table (split /\n/, $node->safe_psql($db, $tables))
	{
		$rows{$table} = $node->safe_psql($db, "SET TimeZone = 'UTC'; SELECT t::text FROM $table t ORDER BY t::text COLLATE \"C\"");
	}
	$rows{sequences} = $node->safe_psql($db,
		"SELECT schemaname, sequencename, last_value FROM pg_sequences WHERE schemaname IN ('retail', 'public') ORDER BY 1, 2");
	return \%rows;
}

sub schema_of
{
	my ($db) = @_;
	my ($out, $err) = run_command([ 'pg_dump', '-s', '-h', $node->host, '-p', $node->port, $db ]);

	# the token against psql's meta-commands differs by design
	$out =~ s/^\\(?:un)?restrict .*\n//mg;

	# the server names more columns of a view the second time
	$out =~ s/ AS (?:int8|timestamptz)\b//g;

	# the order of equal objects and of the grants on one is the catalogue's
	return join("\n", sort split /\n/, $out);
}

my $rows = rows_of('shop');
my $schema = schema_of('shop');
my @connection = ('-h', $node->host, '-p', $node->port);
my $base = scratch_file('dump');

cmp_ok(scalar(grep { $rows->{$_} ne '' } keys %$rows), '>', 12, 'there is something in many tables');

command_ok([ 'pg_dump', @connection, '-f', "$base.sql", 'shop' ], 'pg_dump');
command_ok([ 'pg_dump', @connection, '-Fc', '-f', "$base.c", 'shop' ], 'pg_dump -Fc');
command_ok([ 'pg_dump', @connection, '-Fd', '-j4', '-f', "$base.d", 'shop' ], 'pg_dump -Fd -j4');
command_ok([ 'pg_dump', @connection, '-Fp', '--inserts', '-f', "$base.inserts.sql", 'shop' ], 'pg_dump --inserts');

my %restore = (
	plain => [ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', @connection, '-f', "$base.sql", '-d' ],
	custom => [ 'pg_restore', '-e', @connection, '-d' ],
	directory => [ 'pg_restore', '-e', '-j4', @connection, '-d' ],
	inserts => [ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', @connection, '-f', "$base.inserts.sql", '-d' ]);
my %file = (custom => "$base.c", directory => "$base.d");

for my $way (sort keys %restore)
{
	my $db = "from_$way";

	$node->safe_psql('postgres', "CREATE DATABASE $db");
	command_ok([ @{ $restore{$way} }, $db, $file{$way} ? $file{$way} : () ], "$way: restore");
	my $restored = rows_of($db);
	is_deeply([ sort keys %$restored ], [ sort keys %$rows ], "$way: the same tables");
	my @differ = grep { $restored->{$_} ne $rows->{$_} } sort keys %$rows;
	is("@differ", '', "$way: every row of every table is the same")
	  or diag(map { "$_\n--- before\n$rows->{$_}\n--- after\n$restored->{$_}\n" } @differ);
	is(schema_of($db), $schema, "$way: the schema dumps the same again");
	in_balance($node, $db, "$way: as restored");
	go_on_selling($db, $way);
}

# The engine on tables that a user has added to.
sub go_on_selling
{
	my ($db, $way) = @_;
	my $trail = $node->safe_psql($db, 'SELECT count(*) FROM trail');

	value_is($node, $db, "SELECT outcome, replayed, qty FROM retail.reserve('A', 'S1', 2, 'app', '1 hour', 'one', 'key 1')",
		'held|t|2', "$way: a request key is remembered");
	value_is($node, $db, "SELECT retail.available('A', 'S1', 'app')", '9', "$way: available()");
	value_is($node, $db, "SELECT outcome FROM retail.reserve('A', 'S1', 10, 'app')", 'insufficient', "$way: too many");
	value_is($node, $db, "SELECT outcome, available FROM retail.reserve('A', 'S1', 9, 'app', '1 hour', 'all')",
		'held|0', "$way: all of it");
	value_is($node, $db, "SELECT basket_note, big FROM retail.reservation WHERE holder = 'all'", 'none|t',
		"$way: added columns have their default, generated ones their value");
	value_is($node, $db, "SELECT outcome FROM retail.confirm((SELECT id FROM retail.reservation WHERE holder = 'all'), 3, order_ref => 'once 1')",
		'committed', "$way: a partial confirm");
	value_is($node, $db, "SELECT big FROM retail.reservation WHERE order_ref = 'once 1'", 't', "$way: generated columns follow");
	value_is($node, $db, "SELECT outcome FROM retail.consume((SELECT id FROM retail.reservation WHERE order_ref = 'once 1'))",
		'consumed', "$way: consume");
	value_is($node, $db, "SELECT shelf FROM retail.stock JOIN retail.sku ON sku.id = sku_id WHERE code = 'A'", 'moved',
		"$way: a user's trigger on stock fires");
	cmp_ok($node->safe_psql($db, 'SELECT count(*) FROM trail'), '>=', $trail + 4, "$way: a user's trigger on reservation fires");
	refused($node, $db, "SELECT outcome FROM retail.receive('B', 'S1', 500); SELECT outcome FROM retail.reserve('B', 'S1', 101, 'app')",
		'23514', qr/reservation_small_check/, "$way: a user's check is honoured");
	value_is($node, $db, "SELECT retail.available('B', 'S1')", '500', "$way: and costs no units");
	refused($node, $db, <<'SQL', '23505', qr/reservation_order_idx/, "$way: a user's unique index is honoured");
SELECT outcome FROM retail.confirm((SELECT reservation_id FROM retail.reserve('B', 'S1', 10, 'app')), order_ref => 'once 1');
SQL
	value_is($node, $db, "SELECT retail.available('B', 'S1')", '500', "$way: and nothing of that statement is done");
	value_is($node, $db, "SET SESSION AUTHORIZATION clerk;\nSELECT outcome, (SELECT count(*) FROM retail.reservation) FROM retail.reserve('B', 'S1', 50, 'app', '1 hour', 'clerk')",
		'held|0', "$way: the clerk sells");
	value_is($node, $db, "SET SESSION AUTHORIZATION clerk;\nSELECT count(*), min(actor) FROM retail.reservation",
		'1|clerk', "$way: and sees his own reservation alone");
	value_is($node, $db, "SET enable_seqscan = off; SELECT band FROM price_ladder WHERE category = 'rice' AND band OPERATOR(retail.@>) 9.50",
		'9.99 [9.50,10.48] CNY', "$way: a price band is found by its index");
	refused($node, $db, "INSERT INTO price_ladder VALUES ('rice', '9.00 [8.50,9.50] CNY')", '23P01', qr/price_ladder_category_band_excl/,
		"$way: price bands exclude each other");
	value_is($node, $db, "SELECT outcome, high FROM retail.set_price('A', 'app', NULL, 12)", 'out_of_band|11.00', "$way: prices are guarded");
	refused($node, $db, "INSERT INTO retail.price (sku_id, currency, amount, valid) SELECT sku_id, currency, 12, '[2132-01-01,)' FROM retail.base_price",
		'RT024', qr/outside the band/, "$way: whoever writes them");
	value_is($node, $db, "SELECT outcome FROM retail.set_price('A', 'app', NULL, 10.8)", 'set', "$way: and set");
	value_is($node, $db, "SELECT version > (SELECT max(version) FROM retail.label_ack), reason FROM retail.price_event e JOIN retail.price p ON p.id = e.price_id ORDER BY version DESC LIMIT 1",
		't|none', "$way: versions go on from where they were");
	value_is($node, $db, "SELECT name FROM retail.currency WHERE code = 'CNY'", 'our yuan', "$way: a changed currency wins");
	in_balance($node, $db, "$way: after selling");
	return;
}

# Of an empty shop, into a server without preload: the tables come back.
make_retail($node, 'bare_shop');
command_ok([ 'pg_dump', @connection, '-Fc', '-f', "$base.bare", 'bare_shop' ], 'pg_dump of an empty shop');
my $other = retail_node('other', preload => 0);
$other->safe_psql('postgres', 'CREATE DATABASE bare_shop');
command_ok([ 'pg_restore', '-e', '-h', $other->host, '-p', $other->port, '-d', 'bare_shop', "$base.bare" ],
	'an empty shop restores into a server without preload');
value_is($other, 'bare_shop', 'SELECT count(*) FROM retail.sku', '3', 'and has its rows');
$other->stop;

$node->stop;
done_testing();
