# Sold-out flags: right in the crossing transaction, put right by the
# background worker where an abort, a lapse or a change of rules leaves them
# wrong.  And the worker leaves: a database with one can be dropped.
use strict;
use warnings;
use Test::More;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RetailTest;

my $node = retail_node('flags');

make_retail($node, 'shop', <<'SQL');
SELECT outcome FROM retail.receive('A', 'S1', 6);
SELECT outcome FROM retail.receive('B', 'S1', 4);
SELECT outcome FROM retail.receive('C', 'S1', 4);
INSERT INTO retail.safety_stock (channel_id, qty) SELECT id, 2 FROM retail.channel WHERE code = 'app';
SQL

# Which channels are sold out of a SKU at S1.
sub flags
{
	my ($sku) = @_;
	return "(SELECT coalesce(string_agg(channel, ' ' ORDER BY channel), '') FROM retail_bi.sold_out WHERE sku = '$sku' AND location = 'S1')";
}

# In the crossing transaction, per channel floor.
value_is($node, 'shop', 'SELECT ' . flags('B'), '', 'not sold out');
value_is($node, 'shop', "SELECT outcome FROM retail.reserve('B', 'S1', 2, 'app', '1 hour', 'h')", 'held', 'the app takes all it may');
value_is($node, 'shop', 'SELECT ' . flags('B'), 'app', 'sold out for the app alone');
value_is($node, 'shop', "SELECT outcome FROM retail.reserve('B', 'S1', 2, 'shop', '1 hour', 'i')", 'held', 'the shop takes the rest');
value_is($node, 'shop', 'SELECT ' . flags('B'), 'app shop', 'sold out for both');
value_is($node, 'shop', "SELECT outcome FROM retail.release((SELECT id FROM retail.reservation WHERE holder = 'h'))", 'released', 'two come back');
value_is($node, 'shop', 'SELECT ' . flags('B'), 'app', 'the shop may sell again, the app may not');
value_is($node, 'shop', "SELECT outcome FROM retail.receive('B', 'S1', 1)", 'received', 'one more comes');
value_is($node, 'shop', 'SELECT ' . flags('B'), '', 'nobody is sold out');
value_is($node, 'shop', <<'SQL', "t", 'each flip was announced, by channel, in order');
SELECT count(*) >= 4 AND bool_and(topic = 'sold_out') FROM retail.outbox WHERE sku_id = (SELECT id FROM retail.sku WHERE code = 'B')
SQL
value_is($node, 'shop', <<'SQL', '', 'an abort takes the flag along');
BEGIN;
SELECT outcome FROM retail.reserve('B', 'S1', 3, 'shop') \g /dev/null
ROLLBACK;
SELECT channel FROM retail_bi.sold_out WHERE sku = 'B';
SQL

# An abort leaves a flag wrong that another may have set in good faith.
my $open = session($node, 'shop');
$open->ask('BEGIN');
is($open->ask("SELECT outcome FROM retail.reserve('A', 'S1', 3, 'app')"), 'held', 'three of six are taken, not yet committed');
value_is($node, 'shop', "SELECT outcome FROM retail.reserve('A', 'S1', 1, 'app')", 'held', 'another takes the last the app may have');
value_is($node, 'shop', "SELECT outcome FROM retail.reserve('A', 'S1', 1, 'app')", 'busy', 'who comes next is told that it may yet fit');
$open->ask('ROLLBACK');
wait_until($node, 'shop', 'SELECT ' . flags('A') . " = ''", 'after the abort nobody is sold out');
value_is($node, 'shop', "SELECT outcome FROM retail.reserve('A', 'S1', 3, 'app', '1 hour', 'k')", 'held', 'and the units are there');

# A refusal as busy sets no flag.
$node->safe_psql('shop', "SELECT outcome FROM retail.release((SELECT id FROM retail.reservation WHERE holder = 'k'))");
wait_until($node, 'shop', 'SELECT ' . flags('A') . " = ''", 'for sale again');
$open->ask('BEGIN');
$open->ask("SELECT outcome FROM retail.reserve('A', 'S1', 3, 'app')");
value_is($node, 'shop', "SELECT outcome FROM retail.reserve('A', 'S1', 1, 'app')", 'busy', 'busy');
value_is($node, 'shop', 'SELECT ' . flags('A'), '', 'sets no flag');
$open->ask('ROLLBACK');

# The other way round: a give that was not committed yet hides a crossing.
$node->safe_psql('shop', "SELECT outcome FROM retail.reserve('A', 'S1', 3, 'app', '1 hour', 'm')");
wait_until($node, 'shop', 'SELECT ' . flags('A') . " = 'app'", 'sold out again');
$open->ask('BEGIN');
is($open->ask("SELECT outcome FROM retail.release((SELECT id FROM retail.reservation WHERE holder = 'm'))"), 'released', 'a release is open');
value_is($node, 'shop', "SELECT outcome FROM retail.sell('A', 'S1', 1)", 'sold', 'a till sale lowers it further');
$open->ask('COMMIT');
wait_until($node, 'shop', 'SELECT ' . flags('A') . " = ''", 'the flag is cleared in the end');
$open->ask('BEGIN');
is($open->ask("SELECT outcome FROM retail.receive('A', 'S1', 2)"), 'received', 'a delivery is open');
value_is($node, 'shop', "SELECT outcome FROM retail.reserve('A', 'S1', 2, 'app', '1 hour', 'n')", 'held', 'what was there is taken');
$open->ask('ROLLBACK');
wait_until($node, 'shop', 'SELECT ' . flags('A') . " = 'app'", 'without the delivery the flag is set in the end');

# A lapse: nobody calls anything.
value_is($node, 'shop', "SELECT outcome FROM retail.reserve('C', 'S1', 4, 'shop', '2 seconds')", 'held', 'all units for two seconds');
value_is($node, 'shop', 'SELECT ' . flags('C'), 'app shop', 'sold out');
wait_until($node, 'shop', 'SELECT ' . flags('C') . " = ''", 'after the lapse the worker clears the flag');
value_is($node, 'shop', "SELECT outcome FROM retail.reserve('C', 'S1', 4, 'shop', '1 hour', 'p')", 'held', 'and the units are there');
wait_until($node, 'shop', 'SELECT ' . flags('C') . " = 'app shop'", 'sold out again');

# By the test clock as well.
$node->safe_psql('shop', "SELECT outcome FROM retail.extend((SELECT id FROM retail.reservation WHERE holder = 'p'), '10 minutes')");
$node->safe_psql('shop', "SET pg_retail.clock = '2100-01-01 00:00:00+00'");
wait_until($node, 'shop', 'SELECT ' . flags('C') . " = ''", 'a lapse by the test clock');
$node->safe_psql('shop', "SET pg_retail.clock = ''");

# Rules: a change of safety stock, of a listing, and a load.
$node->safe_psql('shop', "INSERT INTO retail.safety_stock (sku_id, qty) SELECT id, 50 FROM retail.sku WHERE code = 'B'");
wait_until($node, 'shop', 'SELECT ' . flags('B') . " = 'app shop'", 'a higher safety stock makes a SKU sold out');
$node->safe_psql('shop', "DELETE FROM retail.safety_stock WHERE sku_id = (SELECT id FROM retail.sku WHERE code = 'B')");
wait_until($node, 'shop', 'SELECT ' . flags('B') . " = ''", 'and back');
$node->safe_psql('shop', "BEGIN; SELECT retail.bulk_write(); UPDATE retail.stock SET on_hand = 4 WHERE sku_id = (SELECT id FROM retail.sku WHERE code = 'B'); COMMIT");
wait_until($node, 'shop', 'SELECT ' . flags('B') . " = 'app'", 'a load that leaves the safety stock only');

# Without workers the sweep does it.
$node->append_conf('postgresql.conf', "pg_retail.flag_worker = off\n");
$node->restart;
$open = session($node, 'shop');
$open->ask('BEGIN');
is($open->ask("SELECT outcome FROM retail.sell('B', 'S1', 2)"), 'sold', 'an open sale');
$node->safe_psql('shop', "SELECT outcome FROM retail.receive('A', 'S1', 0 + 10)");
$open->ask('ROLLBACK');
$node->safe_psql('shop', "SELECT outcome FROM retail.receive('B', 'S1', 6)");
$open->ask('BEGIN');
is($open->ask("SELECT outcome FROM retail.reserve('B', 'S1', 5, 'app')"), 'held', 'five taken, not committed');
$node->safe_psql('shop', "SELECT outcome FROM retail.reserve('B', 'S1', 1, 'app')");
$open->ask('ROLLBACK');
$node->safe_psql('shop', 'CALL retail.sweep()');
value_is($node, 'shop', 'SELECT ' . flags('B'), '', 'sweep() puts the flag right where no worker may run');
in_balance($node, 'shop', 'flags');
$open->end;

# A database with a worker can be dropped once nobody uses it.
$node->append_conf('postgresql.conf', "pg_retail.flag_worker = on\n");
$node->restart;
$node->safe_psql('shop', "SELECT outcome FROM retail.reserve('A', 'S1', 1, 'shop')");
my ($out, $err, $dropped);
for (1 .. 60)
{
	$dropped = $node->psql('postgres', 'DROP DATABASE shop', stdout => \$out, stderr => \$err) == 0;
	last if $dropped;
}
ok($dropped, 'the database can be dropped') or diag($err);

# And one of the same name made afterwards knows nothing of it.
make_retail($node, 'shop', "SELECT outcome FROM retail.receive('A', 'S1', 2)");
value_is($node, 'shop', "SELECT outcome, available FROM retail.reserve('A', 'S1', 2, 'shop')", 'held|0', 'a new database of the same name');
in_balance($node, 'shop', 'a new database of the same name');

$node->stop;
done_testing();
