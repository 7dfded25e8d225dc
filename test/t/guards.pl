# Only the functions write: every other way is refused, and a guard that was
# taken away is noticed.
use strict;
use warnings;
use Test::More;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RetailTest;

my $node = retail_node('guards', settings => "max_prepared_transactions = 5\n");

make_retail($node, 'shop', <<'SQL');
INSERT INTO retail.sku (code, name, lot_tracked) VALUES ('L', 'Lot', true);
SELECT outcome FROM retail.receive('A', 'S1', 5);
SELECT outcome FROM retail.receive('L', 'S1', 5, 'lot 1');
SELECT outcome FROM retail.reserve('A', 'S1', 1, 'app');
SELECT outcome FROM retail.sell('A', 'S1', 1, 'shop', 'receipt 1');
SQL
my $state = "SELECT md5(string_agg(t, ' ' ORDER BY t)) FROM (SELECT s::text AS t FROM retail.stock s UNION ALL SELECT r::text FROM retail.reservation r UNION ALL SELECT l::text FROM retail.lot l UNION ALL SELECT m::text FROM retail.movement m) x";
my $before = $node->safe_psql('shop', $state);

for my $table (qw(stock reservation lot))
{
	my $column = $table eq 'reservation' ? 'qty' : 'on_hand';

	refused($node, 'shop', "UPDATE retail.$table SET $column = $column + 1", 'RT008', qr/HINT:/, "UPDATE of $table");
	refused($node, 'shop', "UPDATE retail.$table SET $column = $column + 1 WHERE false", 'RT008', qr/HINT:/,
		"UPDATE of no row of $table");
	refused($node, 'shop', "DELETE FROM retail.$table", 'RT008', qr/HINT:/, "DELETE of $table");
	refused($node, 'shop', "TRUNCATE retail.$table", 'RT008', qr/HINT:/, "TRUNCATE of $table");
	refused($node, 'shop', "INSERT INTO retail.$table SELECT * FROM retail.$table WHERE false", 'RT008', qr/HINT:/,
		"INSERT into $table");
	refused($node, 'shop', "COPY retail.$table FROM stdin;\n\\.\n", 'RT008', qr/HINT:/, "COPY to $table");
	refused($node, 'shop', "MERGE INTO retail.$table t USING (SELECT 1) x ON true WHEN MATCHED THEN DELETE", 'RT008', qr/HINT:/,
		"MERGE into $table");
	refused($node, 'shop', "WITH x AS (UPDATE retail.$table SET $column = 1 RETURNING 1) SELECT count(*) FROM x", 'RT008', qr/HINT:/,
		"UPDATE of $table inside a query");
}
refused($node, 'shop', 'UPDATE retail.movement SET on_hand_delta = 0', 'RT008', qr/./, 'UPDATE of the ledger');
refused($node, 'shop', 'DELETE FROM retail.movement', 'RT008', qr/./, 'DELETE of the ledger');
refused($node, 'shop', 'TRUNCATE retail.movement', 'RT008', qr/./, 'TRUNCATE of the ledger');
refused($node, 'shop', 'BEGIN; SELECT retail.bulk_write(); DELETE FROM retail.movement; COMMIT', 'RT008', qr/./,
	'the ledger is append-only in bulk mode too');
value_is($node, 'shop', $state, $before, 'all of this has changed nothing');

# Not even after a call of a function in the same transaction or statement:
# what it announced is used up.
refused($node, 'shop', "BEGIN; SELECT outcome FROM retail.receive('A', 'S1', 1); UPDATE retail.stock SET on_hand = 9; COMMIT",
	'RT008', qr/HINT:/, 'UPDATE after a function in one transaction');
refused($node, 'shop', "WITH f AS MATERIALIZED (SELECT (retail.receive('A', 'S1', 1)).outcome) UPDATE retail.stock SET on_hand = 9 FROM f",
	'RT008', qr/HINT:/, 'UPDATE together with a function in one statement');
value_is($node, 'shop', $state, $before, 'nothing either');

# What a user's trigger writes is not covered by the announcement of the
# function that fired it.
$node->safe_psql('shop', <<'SQL');
CREATE FUNCTION public.cheat() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE retail.stock SET on_hand = on_hand + 1000 WHERE sku_id = NEW.sku_id;
    RETURN NEW;
END $$;
SQL
for my $table (qw(stock reservation))
{
	for my $when (qw(BEFORE AFTER))
	{
		my $event = $table eq 'stock' ? 'UPDATE' : 'INSERT OR UPDATE';
		my $call = $table eq 'stock' ? "retail.receive('A', 'S1', 1)" : "retail.reserve('A', 'S1', 1, 'app')";

		$node->safe_psql('shop', "CREATE TRIGGER cheat $when $event ON retail.$table FOR EACH ROW EXECUTE FUNCTION public.cheat()");
		refused($node, 'shop', "SELECT outcome FROM $call", 'RT008', qr/HINT:/, "a $when trigger on $table that writes stock");
		$node->safe_psql('shop', "DROP TRIGGER cheat ON retail.$table");
		value_is($node, 'shop', $state, $before, '... changes nothing');
		in_balance($node, 'shop', "$when trigger on $table");
	}
}

# A trigger of the user that swallows the row: units must not get lost.
$node->safe_psql('shop', <<'SQL');
CREATE FUNCTION public.swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER swallow BEFORE INSERT ON retail.reservation FOR EACH ROW EXECUTE FUNCTION public.swallow();
SQL
$node->psql('shop', "SELECT outcome FROM retail.reserve('A', 'S1', 1, 'app')");
$node->safe_psql('shop', 'DROP TRIGGER swallow ON retail.reservation');
in_balance($node, 'shop', 'a trigger that swallows the row');

# The same where the first delivery of a SKU opens its stock row.
$node->safe_psql('shop', "INSERT INTO retail.sku (code, name) VALUES ('SWALLOWED', 'Swallowed')");
$node->safe_psql('shop', 'CREATE TRIGGER swallow BEFORE INSERT ON retail.stock FOR EACH ROW EXECUTE FUNCTION public.swallow()');
refused($node, 'shop', "SELECT outcome FROM retail.receive('SWALLOWED', 'S1', 1)", '09000', qr/left out a row/, 'a trigger that swallows the stock row');
$node->safe_psql('shop', 'DROP TRIGGER swallow ON retail.stock');
is($node->safe_psql('shop', "SELECT outcome FROM retail.receive('SWALLOWED', 'S1', 1)"), 'received', '... and without it the delivery is there');
in_balance($node, 'shop', 'a trigger that swallows the stock row');

# A trigger that changes the quantity: the cell must not believe the caller.
$node->safe_psql('shop', <<'SQL');
CREATE FUNCTION public.double() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.qty := NEW.qty * 2; RETURN NEW; END';
CREATE TRIGGER double BEFORE INSERT ON retail.reservation FOR EACH ROW EXECUTE FUNCTION public.double();
SQL
$node->psql('shop', "SELECT outcome FROM retail.reserve('A', 'S1', 1, 'app')");
$node->safe_psql('shop', 'DROP TRIGGER double ON retail.reservation');
in_balance($node, 'shop', 'a trigger that changes the quantity');

# Guards switched off, dropped, altered.
my @guards = split /\n/, $node->safe_psql('shop',
	"SELECT tgrelid::regclass || ' ' || quote_ident(tgname) FROM pg_trigger JOIN pg_proc p ON p.oid = tgfoid WHERE tgrelid IN ('retail.stock'::regclass, 'retail.reservation'::regclass) AND proname = '_guard_stock' AND NOT tgisinternal ORDER BY 1");
cmp_ok(scalar @guards, '>=', 2, 'stock and reservation have guards: ' . join(', ', @guards));
for my $guard (@guards)
{
	my ($table, $trigger) = split / /, $guard;
	my $seller = session($node, 'shop');

	is($seller->ask("SELECT outcome FROM retail.receive('B', 'S1', 1)"), 'received', "a session sells before $trigger is off");
	$node->safe_psql('shop', "ALTER TABLE $table DISABLE TRIGGER $trigger");
	$seller->ask("SELECT outcome FROM retail.reserve('B', 'S1', 1, 'app')");
	like($seller->{complaint}, qr/55000:.*\Q$trigger\E/s, "without $trigger of $table a take is refused, naming it");
	$seller->ask("SELECT outcome FROM retail.receive('B', 'S1', 1)");
	like($seller->{complaint}, qr/55000:.*\Q$trigger\E/s, '... and a give');
	$node->psql('shop', "UPDATE retail.stock SET on_hand = 2 WHERE sku_id = (SELECT id FROM retail.sku WHERE code = 'B')");
	$node->psql('shop', "UPDATE retail.reservation SET status = 'released' WHERE sku_id = (SELECT id FROM retail.sku WHERE code = 'B')");
	$node->safe_psql('shop', "ALTER TABLE $table ENABLE TRIGGER $trigger");
	# what was written by hand is not in the ledger: it starts anew from here
	$node->safe_psql('shop', "ALTER TABLE $table ENABLE ALWAYS TRIGGER $trigger");
	$node->safe_psql('shop', 'BEGIN; SELECT retail.bulk_write(); UPDATE retail.stock SET on_hand = on_hand; COMMIT');
	$node->safe_psql('shop', "ALTER TABLE $table ENABLE TRIGGER $trigger");
	my ($free) = $node->safe_psql('shop', <<'SQL');
SELECT s.on_hand - coalesce((SELECT sum(qty) FROM retail.reservation r
    WHERE r.sku_id = s.sku_id AND status IN ('held', 'committed')), 0)
FROM retail.stock s JOIN retail.sku ON sku.id = s.sku_id WHERE code = 'B'
SQL
	my $one_more = $free + 1;
	my $enabled = $node->safe_psql('shop', "SELECT tgenabled FROM pg_trigger WHERE tgrelid = '$table'::regclass AND tgname = '$trigger'");
	$seller->ask("SELECT outcome FROM retail.reserve('B', 'S1', $one_more, 'app')");
	like($seller->{complaint}, qr/55000:/, "$trigger enabled as an ordinary trigger is not enough") if $enabled eq 'O';
	$node->safe_psql('shop', "ALTER TABLE $table ENABLE ALWAYS TRIGGER $trigger");
	is($seller->ask("SELECT outcome FROM retail.reserve('B', 'S1', $one_more, 'app')"), 'insufficient',
		"$trigger back: the counters are loaded anew, $free free");
	$seller->end;
	in_balance($node, 'shop', "after $trigger was off");
}
my $definition = $node->safe_psql('shop', "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = 'retail.stock'::regclass AND tgfoid = 'retail._guard_stock'::regproc ORDER BY tgname LIMIT 1");
my $name = $node->safe_psql('shop', "SELECT tgname FROM pg_trigger WHERE tgrelid = 'retail.stock'::regclass AND tgfoid = 'retail._guard_stock'::regproc ORDER BY tgname LIMIT 1");
$node->safe_psql('shop', "DROP TRIGGER $name ON retail.stock");
refused($node, 'shop', "SELECT outcome FROM retail.reserve('A', 'S1', 1, 'app')", '55000', qr/\Q$name\E/, 'a guard that was dropped is missed');
$node->safe_psql('shop', "$definition; ALTER TABLE retail.stock ENABLE ALWAYS TRIGGER $name");
allowed($node, 'shop', "SELECT outcome FROM retail.reserve('A', 'S1', 1, 'app')", 'and welcomed back');
in_balance($node, 'shop', 'a guard dropped and made again');

# The storage replaced under the counters.
$node->safe_psql('shop', 'VACUUM FULL retail.stock; VACUUM FULL retail.reservation; CLUSTER retail.stock USING stock_pkey');
in_balance($node, 'shop', 'tables rewritten');
allowed($node, 'shop', "SELECT outcome FROM retail.reserve('A', 'S1', 1, 'app')", 'sales go on after a rewrite');
in_balance($node, 'shop', 'sales after a rewrite');

# PREPARE TRANSACTION.
$node->safe_psql('shop', "SELECT outcome FROM retail.receive('A', 'S1', 50)");
for my $call ("retail.reserve('A', 'S1', 1, 'app')", "retail.sell('A', 'S1', 1)", "retail.receive('A', 'S1', 1)")
{
	my $here = $node->safe_psql('shop', $state);
	refused($node, 'shop', "BEGIN; SELECT outcome FROM $call; PREPARE TRANSACTION 'x'", '0A000', qr/prepare|PREPARE/,
		"PREPARE TRANSACTION after $call");
	value_is($node, 'shop', $state, $here, '... leaves nothing');
	value_is($node, 'shop', 'SELECT count(*) FROM pg_prepared_xacts', '0', '... prepared');
	in_balance($node, 'shop', "PREPARE TRANSACTION after $call");
}
allowed($node, 'shop', "BEGIN; SELECT retail.available('A', 'S1'); PREPARE TRANSACTION 'y'; COMMIT PREPARED 'y'",
	'a transaction that only reads can be prepared');
refused($node, 'shop', "BEGIN; SAVEPOINT a; SELECT outcome FROM retail.reserve('A', 'S1', 1, 'app'); RELEASE a; PREPARE TRANSACTION 'x'",
	'0A000', qr/prepare|PREPARE/, 'PREPARE TRANSACTION after a savepoint was released');

# Masters that are in use.
refused($node, 'shop', "DELETE FROM retail.sku WHERE code = 'A'", 'RT011', qr/./, 'a SKU with stock cannot be deleted');
refused($node, 'shop', "DELETE FROM retail.location WHERE code = 'S1'", 'RT011', qr/./, 'a location with stock cannot be deleted');
refused($node, 'shop', "DELETE FROM retail.channel WHERE code = 'app'", 'RT011', qr/./, 'a channel with reservations cannot be deleted');
allowed($node, 'shop', "DELETE FROM retail.sku WHERE code = 'C'", 'a SKU that nothing refers to can be deleted');

$node->stop;
done_testing();
