# Without preload and without init(): clear words, and every read works.
use strict;
use warnings;
use Test::More;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RetailTest;

my $node = retail_node('preload', preload => 0);

# Before init()
$node->safe_psql('postgres', 'CREATE DATABASE bare');
allowed($node, 'bare', 'CREATE EXTENSION pg_retail CASCADE', 'the extension can be created without preload');
my %call = (
	receive => "SELECT * FROM retail.receive('A', 'S1', 1)",
	receive_lines => "SELECT * FROM retail.receive_lines(ARRAY[('A', 'S1', 1)]::retail.line[])",
	adjust => "SELECT * FROM retail.adjust('A', 'S1', -1, 'lost')",
	count_stock => "SELECT * FROM retail.count_stock('A', 'S1', 3)",
	block => "SELECT * FROM retail.block('A', 'S1', 1, 'display')",
	unblock => "SELECT * FROM retail.unblock('A', 'S1', 1, 'display')",
	sell => "SELECT * FROM retail.sell('A', 'S1', 1)",
	sell_lines => "SELECT * FROM retail.sell_lines(ARRAY[('A', 'S1', 1)]::retail.line[])",
	take_back => "SELECT * FROM retail.take_back('A', 'S1', 1)",
	reserve => "SELECT * FROM retail.reserve('A', 'S1', 1, 'app')",
	reserve_lines => "SELECT * FROM retail.reserve_lines(ARRAY[('A', 'S1', 1)]::retail.line[], 'app')",
	confirm => 'SELECT * FROM retail.confirm(1)',
	release => 'SELECT * FROM retail.release(1)',
	extend => 'SELECT * FROM retail.extend(1)',
	consume => 'SELECT * FROM retail.consume(1)',
	consume_lines => 'SELECT * FROM retail.consume_lines(ARRAY[1])',
	cancel => 'SELECT * FROM retail.cancel(1)',
	expire_reservations => 'SELECT retail.expire_reservations()',
	bulk_write => 'SELECT retail.bulk_write()');
my %read = (
	available => "SELECT retail.available('A', 'S1', 'app')",
	pool => "SELECT retail.pool('A')");

for my $name (sort keys %call, sort keys %read)
{
	refused($node, 'bare', $call{$name} || $read{$name}, 'RT004', qr/retail\.init\(\)/,
		"$name without init() says what to do");
}
allowed($node, 'bare', 'SELECT count(*) FROM retail.init()', 'init() works without preload');
allowed($node, 'bare', 'SELECT count(*) FROM retail.init()', 'init() may be called twice');
$node->safe_psql('postgres', 'DROP DATABASE bare');

# A shop that is set up with the library, and then loses it.
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_retail'\n");
$node->restart;
make_retail($node, 'shop', <<'SQL');
SELECT outcome FROM retail.receive('A', 'S1', 5);
SELECT outcome FROM retail.reserve('A', 'S1', 2, 'app');
SELECT outcome FROM retail.reserve('A', 'S1', 1, 'app', '1 second');
INSERT INTO retail.safety_stock (qty) VALUES (1);
SQL
my $rows = $node->safe_psql('shop', 'SELECT count(*) FROM retail.reservation');
$node->append_conf('postgresql.conf', "shared_preload_libraries = ''\n");
$node->restart;

for my $name (sort grep { !/^bulk_write$/ } keys %call)
{
	refused($node, 'shop', $call{$name}, '55000', qr/HINT:.*shared_preload_libraries/,
		"$name without preload says what to set");
}
wait_until($node, 'shop', "SELECT retail.available('A', 'S1', 'app') = 2",
	'available() without preload: 5 on hand - 2 held - 1 safety, the lapsed hold does not count');
value_is($node, 'shop', "SELECT retail.available('A', 'S1')", '3', 'available() without a channel');
value_is($node, 'shop', "SELECT retail.pool('A') IS NOT NULL", 't', 'pool() reads');
value_is($node, 'shop', 'SELECT count(*) FROM retail.verify()', '0', 'verify() reads');
value_is($node, 'shop', 'SELECT count(*) > 0 FROM retail.status()', 't', 'status() reads');
for my $view (split /\n/, $node->safe_psql('shop',
	"SELECT format('%I.%I', schemaname, viewname) FROM pg_views WHERE schemaname = 'retail_bi' ORDER BY 1"))
{
	allowed($node, 'shop', "SELECT * FROM $view", "view $view reads");
}
value_is($node, 'shop', 'SELECT count(*) FROM retail.reservation', $rows, 'the refused calls wrote nothing');

# Direct writes stay refused: the guards are triggers, not cells.
refused($node, 'shop', 'UPDATE retail.stock SET on_hand = 100', 'RT008', qr/HINT/,
	'the guard holds without preload');

# And back: everything works again, with the units the tables say.
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_retail'\n");
$node->restart;
value_is($node, 'shop', "SELECT outcome FROM retail.reserve('A', 'S1', 3, 'app')", 'insufficient',
	'after preload: the safety stock counts');
value_is($node, 'shop', "SELECT outcome FROM retail.reserve('A', 'S1', 2, 'app')", 'held',
	'after preload: what is left can be held');
in_balance($node, 'shop', 'after preload');

done_testing();
