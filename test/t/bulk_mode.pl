# Bulk mode against open writers and with rollback, reset_cells() under load,
# and rows that arrive by replication.
use strict;
use warnings;
use Test::More;
use Time::HiRes qw(sleep time);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RetailTest;

my $node = retail_node('bulk');

make_retail($node, 'shop', <<'SQL');
INSERT INTO retail.sku (code, name) SELECT 'K' || i, 'Kind ' || i FROM generate_series(1, 200) i;
SQL

# A load of plain rows.
$node->safe_psql('shop', <<'SQL');
BEGIN;
SELECT retail.bulk_write();
INSERT INTO retail.stock (sku_id, location_id, on_hand)
SELECT sku.id, location.id, 50 FROM retail.sku, retail.location WHERE sku.code LIKE 'K%';
COMMIT;
SQL
value_is($node, 'shop', "SELECT retail.available('K7', 'S2')", '50', 'rows of a load are for sale');
in_balance($node, 'shop', 'a load');

# Table constraints hold in bulk mode.
refused($node, 'shop', 'BEGIN; SELECT retail.bulk_write(); UPDATE retail.stock SET on_hand = -1; COMMIT;', '23514',
	qr/stock_on_hand_check/, 'a load cannot make stock negative');

# Nothing of it outlives its transaction, or its savepoint.
refused($node, 'shop', 'BEGIN; SELECT retail.bulk_write(); ROLLBACK; UPDATE retail.stock SET on_hand = 7', 'RT008', qr/bulk_write/,
	'bulk mode ends with a rollback');
refused($node, 'shop', 'BEGIN; SELECT retail.bulk_write(); COMMIT; UPDATE retail.stock SET on_hand = 7', 'RT008', qr/bulk_write/,
	'bulk mode ends with a commit');
refused($node, 'shop', 'BEGIN; SAVEPOINT a; SELECT retail.bulk_write(); ROLLBACK TO a; UPDATE retail.stock SET on_hand = 7', 'RT008',
	qr/bulk_write/, 'bulk mode ends with the savepoint it was opened in');
for my $call ("retail.reserve('K1', 'S1', 1, 'app')", "retail.sell('K1', 'S1', 1)", "retail.receive('K1', 'S1', 1)")
{
	refused($node, 'shop', "BEGIN; SELECT retail.bulk_write(); SELECT * FROM $call", '55000', qr/bulk/,
		"$call is refused inside bulk mode");
	my ($out, $err);
	$node->psql('shop', "BEGIN; SELECT outcome FROM $call; SELECT retail.bulk_write(); COMMIT", stderr => \$err);
	in_balance($node, 'shop', "bulk mode after $call in the same transaction");
}

# Rolled back: the counters stay, and are right.
my $before = $node->safe_psql('shop', "SELECT retail.available('K1', 'S1')");
$node->safe_psql('shop', 'BEGIN; SELECT retail.bulk_write(); UPDATE retail.stock SET on_hand = 1; ROLLBACK');
value_is($node, 'shop', "SELECT retail.available('K1', 'S1')", $before, 'a load rolled back changes nothing');
in_balance($node, 'shop', 'a load rolled back');

# A till that may sell what is promised would break the balance that is looked
# for at the end.
$node->safe_psql('shop', 'ALTER DATABASE shop SET pg_retail.till_oversell = refuse');

# Loads, resets and rolled back loads, one after the other, under 16 clients
# that sell what the loads bring.
my $run = pgbench_start($node, 'shop', clients => 16, seconds => full_run() ? 30 : 6, mode => 'simple', scripts => {
	write_script(<<'EOS') => 4,
\set k random(1, 20)
\set s random(1, 3)
SELECT outcome FROM retail.reserve('K' || :k, 'S' || :s, 3, 'app', '1 second');
EOS
	write_script(<<'EOS') => 1,
\set k random(1, 20)
\set s random(1, 3)
BEGIN;
SELECT outcome FROM retail.sell('K' || :k, 'S' || :s, 1);
SELECT outcome FROM retail.reserve('K' || :k, 'S' || :s, 2, 'app');
\sleep 5 ms
COMMIT;
EOS
	write_script(<<'EOS') => 1 });
\set k random(1, 20)
\set s random(1, 3)
BEGIN;
SELECT outcome FROM retail.reserve('K' || :k, 'S' || :s, 5, 'app');
ROLLBACK;
EOS
my $end = time + (full_run() ? 29 : 5);
my $loads = 0;
while (time < $end)
{
	# holds are forgotten, stock is set to a figure below and above what it was
	my $figure = $loads % 2 ? 30 : 60;
	my $last = $loads % 3 == 2 ? 'ROLLBACK' : 'COMMIT';
	$node->safe_psql('shop', <<"SQL");
SET deadlock_timeout = '10s';
BEGIN;
SELECT retail.bulk_write();
UPDATE retail.reservation SET status = 'released' WHERE status IN ('held', 'committed');
UPDATE retail.stock SET on_hand = $figure;
$last;
SQL
	$node->safe_psql('shop', 'SELECT retail.reset_cells()') if $loads % 4 == 3;
	$loads++;
	sleep(0.1);
}
pgbench_finish($run);
is($run->{status}, 0, 'sales go on through loads and resets') or diag($run->{err});
cmp_ok($loads, '>', 5, "$loads loads came while they sold");
in_balance($node, 'shop', 'loads under sales');

# reset_cells() is not for a transaction that holds counters.
refused($node, 'shop', "BEGIN; SELECT outcome FROM retail.reserve('A', 'S1', 1, 'app'); SELECT outcome FROM retail.receive('A', 'S1', 1); SELECT retail.reset_cells()",
	'55000', qr/./, 'reset_cells() in a transaction that holds counters');

# Rows that arrive as a subscriber's apply worker writes them.
$node->safe_psql('shop', "SELECT outcome FROM retail.receive('B', 'S1', 9); SELECT outcome FROM retail.reserve('B', 'S1', 1, 'app')");
$node->safe_psql('shop', <<'SQL');
SET session_replication_role = replica;
UPDATE retail.stock SET on_hand = 2 WHERE sku_id = (SELECT id FROM retail.sku WHERE code = 'B');
SQL
value_is($node, 'shop', "SELECT outcome, available FROM retail.reserve('B', 'S1', 2, 'app')", 'insufficient|1',
	'stock that was changed by replication is sold as it is now');
$node->safe_psql('shop', <<'SQL');
SET session_replication_role = replica;
INSERT INTO retail.reservation (id, sku_id, location_id, channel_id, qty, status, expires_at, created_at, changed_at, actor)
SELECT 1000000, sku_id, location_id, 1, 1, 'committed', now(), now(), now(), 'subscriber'
FROM retail.stock WHERE sku_id = (SELECT id FROM retail.sku WHERE code = 'B');
SQL
value_is($node, 'shop', "SELECT outcome FROM retail.reserve('B', 'S1', 1, 'app')", 'insufficient',
	'a reservation that came by replication counts');
$node->safe_psql('shop', <<'SQL');
BEGIN;
SET LOCAL session_replication_role = replica;
UPDATE retail.stock SET on_hand = 20 WHERE sku_id = (SELECT id FROM retail.sku WHERE code = 'B');
ROLLBACK;
SQL
value_is($node, 'shop', "SELECT outcome FROM retail.reserve('B', 'S1', 1, 'app')", 'insufficient',
	'rows of an apply that was rolled back do not count');

# the stock came without its ledger: that starts anew with a load
$node->safe_psql('shop', 'BEGIN; SELECT retail.bulk_write(); UPDATE retail.stock SET on_hand = on_hand; COMMIT');
in_balance($node, 'shop', 'replication');

$node->stop;
done_testing();
